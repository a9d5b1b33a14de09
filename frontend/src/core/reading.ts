import { backoff } from "./backoff.js";
import { type ChatContext, isGone } from "./chatContext.js";
import type { TimerId } from "./clock.js";
import { isRetryable } from "./errors.js";
import { isOtherwise, updated } from "./news.js";
import { arrived, cleared, isBehind, paged, pagedOlder, viewed } from "./transitions.js";
import type { News } from "./updatesReader.js";
import type { CurrentSession } from "./wire.js";

const PAGE = 50;

/** Everything that reads the server's state into ours. Reading never extends a session. */
export class Reading {
  private readonly context: ChatContext;
  private loading: Promise<void> | null = null;
  private again = false;
  private hintSettled = false;
  private attempts = 0;
  private timer: TimerId = null;

  constructor(context: ChatContext) {
    this.context = context;
  }

  /** Whether the stored draft is known to be this reader's own. */
  get knowsReader(): boolean {
    return this.hintSettled;
  }

  load(): Promise<void> {
    this.loading ??= this.read().finally(() => {
      this.loading = null;
      if (!this.again) return;
      this.again = false;
      void this.refresh();
    });
    return this.loading;
  }

  /** Read again because something may have changed elsewhere. */
  refresh(): Promise<void> {
    const { state } = this.context;
    // A message on its way will tell us more than we could read now, and must not be shown twice.
    if (state.viewing || state.pending.some((message) => message.state === "sending")) return Promise.resolve();
    if (this.loading !== null) this.again = true;
    return this.load();
  }

  /** News came: take them, and read what they leave open. */
  hear(news: readonly News[]): void {
    const before = this.context.state;
    const isElsewhere = news.some((one) => isOtherwise(before, one, this.context.parts.scope));
    this.context.update((state) => news.reduce(updated, state));
    const isToldOfSession = news.some(({ sessions }) => sessions.length > 0);
    const mayLack = this.context.state.gap || isToldOfSession;
    if (isElsewhere) void this.refresh();
    else if (before.loaded && this.timer === null && mayLack) {
      this.catchUp(this.context.epoch).catch((error: unknown) => {
        this.context.report(error);
        this.retryLater(error);
      });
    }
  }

  async open(id: string): Promise<void> {
    const epoch = ++this.context.epoch;
    try {
      const page = await this.context.call(() => this.context.parts.api.getTranscript(id, { limit: PAGE }));
      if (epoch === this.context.epoch) this.context.update((state) => viewed(state, page));
    } catch (error) {
      if (epoch === this.context.epoch) this.context.report(error);
    }
  }

  /** Back from an older session to the one that is open. */
  async openCurrent(): Promise<void> {
    this.context.epoch += 1;
    this.context.update((state) => ({ ...cleared(state), loaded: false, error: null }));
    await this.loading;
    await this.load();
  }

  async loadOlder(): Promise<void> {
    const { session, nextBefore, loadingOlder } = this.context.state;
    if (session === null || nextBefore === null || loadingOlder) return;
    this.context.update((state) => ({ ...state, loadingOlder: true }));
    try {
      const options = { limit: PAGE, before: nextBefore };
      const page = await this.context.call(() => this.context.parts.api.getTranscript(session.id, options));
      this.context.update((state) => pagedOlder(state, page));
    } catch (error) {
      this.context.update((state) => ({ ...state, loadingOlder: false }));
      this.context.report(error);
    }
  }

  /** Fetch the newest page when what is shown may differ from what the server has. */
  async catchUp(epoch: number): Promise<void> {
    const { session } = this.context.state;
    if (session === null || !isBehind(this.context.state)) return;
    const page = await this.context.call(() => this.context.parts.api.getTranscript(session.id, { limit: PAGE }));
    if (epoch === this.context.epoch) this.context.update((state) => paged(state, page));
  }

  stop(): void {
    this.context.parts.clock.clearTimeout(this.timer);
    this.timer = null;
  }

  private async read(): Promise<void> {
    this.stop();
    const { api, scope } = this.context.parts;
    const epoch = this.context.epoch;
    try {
      const current = await this.context.call(() => api.getCurrentSession(scope));
      await this.settleHint(current);
      if (epoch !== this.context.epoch) return;
      await this.take(current, epoch);
      this.attempts = 0;
      if (epoch === this.context.epoch) this.context.update((state) => ({ ...state, loaded: true, error: null }));
    } catch (error) {
      if (epoch !== this.context.epoch) return;
      this.context.report(error);
      if (isRetryable(error)) this.retryLater(error);
      else this.context.update((state) => ({ ...state, loaded: true }));
    }
  }

  private async take(current: CurrentSession, epoch: number): Promise<void> {
    const shown = this.context.state.session;
    this.context.update((state) => arrived(state, current));
    const unexplained = current.session === null && shown !== null && current.arrival.previous?.id !== shown.id;
    if (unexplained) await this.confirmShown(shown.id, epoch);
    else await this.catchUp(epoch);
  }

  /** The server does not speak of the session on screen: it goes only if it is really gone. */
  private async confirmShown(id: string, epoch: number): Promise<void> {
    try {
      const page = await this.context.call(() => this.context.parts.api.getTranscript(id, { limit: PAGE }));
      if (epoch === this.context.epoch) this.context.update((state) => paged(state, page));
    } catch (error) {
      if (!isGone(error)) throw error;
      if (epoch === this.context.epoch) this.context.update(cleared);
    }
  }

  /** A stored draft belongs to whoever wrote it: shown only if its session is this reader's. */
  private async settleHint({ session, arrival }: CurrentSession): Promise<void> {
    if (this.hintSettled) return;
    const { hint, api } = this.context.parts;
    const { session: stored, draft } = hint.read();
    const isKnown = stored === null || stored === session?.id || stored === arrival.previous?.id;
    if (!isKnown && draft !== "") {
      try {
        await this.context.call(() => api.getSession(stored));
      } catch (error) {
        if (!isGone(error)) throw error;
        hint.clear();
      }
    }
    this.hintSettled = true;
    const mine = hint.read().draft;
    this.context.update((state) => (state.draft === "" && mine !== "" ? { ...state, draft: mine } : state));
    if (this.context.state.draft !== "") hint.write({ draft: this.context.state.draft });
  }

  private retryLater(error: unknown): void {
    const { clock, random } = this.context.parts;
    this.timer = clock.setTimeout(() => void this.load(), backoff(this.attempts, random, error));
    this.attempts += 1;
  }
}
