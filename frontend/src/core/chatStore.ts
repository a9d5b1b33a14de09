import { type Activity, createActivity } from "./activity.js";
import type { ApiClient } from "./apiClient.js";
import { ChatContext } from "./chatContext.js";
import { warningFor } from "./chatState.js";
import { type Clock, createClock } from "./clock.js";
import { createDeadline, type Deadline } from "./deadline.js";
import { Lifecycle } from "./lifecycle.js";
import { createLiveUpdates, type LiveUpdates, type UpdatesMember } from "./liveUpdates.js";
import { newMessageKey } from "./messageKey.js";
import { browserPage, type PageSignal, type PageSignals } from "./pageSignals.js";
import { Reading } from "./reading.js";
import { Sending } from "./sending.js";
import { type ChatSnapshot, toSnapshot } from "./snapshot.js";
import { createStoredHint, type HintStorage } from "./storedHint.js";
import { createTabChannel, type TabChannel } from "./tabChannel.js";
import { idleSeconds, runningReply } from "./transcript.js";
import { lapsed } from "./transitions.js";
import type { News } from "./updatesReader.js";

export interface ChatStoreOptions {
  api: ApiClient;
  /** What the chat is about; `""` when absent. */
  scope?: string | undefined;
  /** Names the signed-in reader, so that drafts of two people at one browser stay apart. */
  owner?: string | undefined;
  clock?: Clock | undefined;
  page?: PageSignals | undefined;
  storage?: (() => HintStorage | null) | undefined;
  tabs?: TabChannel | undefined;
  /** Where news come from; shared with a history of the same reader. */
  updates?: LiveUpdates | undefined;
  newKey?: (() => string) | undefined;
  random?: (() => number) | undefined;
}

export interface ChatStore {
  readonly scope: string;
  getSnapshot(): ChatSnapshot;
  subscribe(listener: () => void): () => void;
  /** Start to listen and to read; call what it returns when the chat leaves the page. */
  connect(): () => void;
  load(): Promise<void>;
  /** The new message's key; null when it is blank or an older session is shown. */
  send(text: string): string | null;
  retry(key: string): void;
  /** After `session_ended`: continue that session, then send there. */
  retryInEnded(key: string): Promise<void>;
  /** After `session_ended`: send in the session that is open now. */
  retryInCurrent(key: string): void;
  discard(key: string): void;
  startNew(): Promise<boolean>;
  reopen(sessionId: string): Promise<boolean>;
  end(): Promise<boolean>;
  /** Stop the reply that is being written; what was written stays. */
  stop(): Promise<boolean>;
  /** Ask again for the last reply, which failed, was interrupted or was stopped. */
  retryReply(): Promise<boolean>;
  /** Deliberate activity happened in the chat; reported at most every 30 seconds. */
  touch(): void;
  /** "Keep this chat": report activity at once. */
  keep(): Promise<boolean>;
  /** Show an older session, read-only until it is reopened. */
  open(sessionId: string): Promise<void>;
  openCurrent(): Promise<void>;
  loadOlder(): Promise<void>;
  setDraft(text: string): void;
  dismissError(): void;
}

const TOUCH_INTERVAL = 30_000;

/** Inert until `connect()`: creating one twice, as StrictMode does, costs nothing. */
export function createChatStore(options: ChatStoreOptions): ChatStore {
  return new Chat(options);
}

class Chat implements ChatStore {
  readonly scope: string;
  private readonly context: ChatContext;
  private readonly reading: Reading;
  private readonly sending: Sending;
  private readonly lifecycle: Lifecycle;
  private readonly activity: Activity;
  private readonly deadline: Deadline;
  private readonly channel: TabChannel;
  private readonly updates: LiveUpdates;
  private news: News[] = [];
  private isFrameAsked = false;
  private readonly listeners = new Set<() => void>();
  private snapshot: ChatSnapshot;
  private connections = 0;
  private disconnect = () => {};

  constructor(options: ChatStoreOptions) {
    const clock = options.clock ?? createClock();
    this.scope = options.scope ?? "";
    this.channel = options.tabs ?? createTabChannel();
    this.context = this.createContext(options, clock);
    this.updates = options.updates ?? createLiveUpdates({ ...options, clock, page: this.context.parts.page });
    this.snapshot = toSnapshot(this.context.state);
    this.reading = new Reading(this.context);
    this.lifecycle = new Lifecycle(this.context, (epoch) => this.reading.catchUp(epoch));
    this.sending = new Sending(this.context, {
      stored: () => this.stored(),
      occupied: () => void this.reading.refresh(),
    });
    this.activity = createActivity(
      clock,
      () => this.touchInterval(),
      () => void this.lifecycle.touch(),
    );
    this.deadline = createDeadline(clock, {
      expiring: (remainingSeconds) => this.context.update((state) => ({ ...state, remainingSeconds })),
      expired: () => this.expired(),
    });
  }

  getSnapshot = () => this.snapshot;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  connect = () => {
    this.connections += 1;
    if (this.connections === 1) this.listen();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.connections -= 1;
      if (this.connections === 0) this.disconnect();
    };
  };

  load = () => this.reading.load();
  open = (sessionId: string) => this.reading.open(sessionId);
  openCurrent = () => this.reading.openCurrent();
  loadOlder = () => this.reading.loadOlder();
  startNew = () => this.lifecycle.startNew();
  reopen = (sessionId: string) => this.lifecycle.reopen(sessionId);
  end = () => this.lifecycle.end();
  stop = () => this.lifecycle.stopReply();
  retryReply = () => this.lifecycle.retryReply();
  keep = () => this.lifecycle.touch();
  retry = (key: string) => this.sending.retry(key);
  discard = (key: string) => this.sending.discard(key);
  dismissError = () => this.context.update((state) => ({ ...state, error: null }));

  send = (text: string) => {
    this.activity.reported();
    return this.sending.send(text);
  };

  retryInEnded = async (key: string) => {
    const ended = this.sending.find(key)?.conflict?.session;
    if (ended !== undefined && (await this.lifecycle.reopen(ended.id))) this.sending.retry(key, ended.id);
  };

  retryInCurrent = (key: string) => {
    const conflict = this.sending.find(key)?.conflict;
    if (conflict) this.sending.retry(key, conflict.current?.id ?? null);
  };

  touch = () => {
    const { session, viewing } = this.context.state;
    if (session?.state === "active" && !viewing) this.activity.note();
  };

  setDraft = (draft: string) => {
    if (this.reading.knowsReader) this.context.parts.hint.write({ draft });
    this.context.update((state) => (state.draft === draft ? state : { ...state, draft }));
  };

  private createContext(options: ChatStoreOptions, clock: Clock): ChatContext {
    const { api, owner, storage } = options;
    return new ChatContext(
      {
        ...{ api, clock, scope: this.scope },
        page: options.page ?? browserPage(),
        hint: createStoredHint({ scope: this.scope, owner, storage }),
        newKey: options.newKey ?? (() => newMessageKey()),
        random: options.random ?? Math.random,
      },
      { changed: () => this.changed(), settled: () => this.takeNews() },
    );
  }

  private listen(): void {
    const stopPage = this.context.parts.page.subscribe((signal) => this.heard(signal));
    const tabs = this.channel.join((message) => {
      if (message.scope === this.scope) void this.reading.refresh();
    });
    this.context.tabs = tabs;
    // Joined before anything is read: what changes after the answer was written then comes as news.
    const live = this.join();
    this.context.live = live;
    this.disconnect = () => {
      stopPage();
      tabs.leave();
      live.leave();
      this.context.tabs = null;
      this.context.live = null;
      this.news = [];
      this.reading.stop();
      this.activity.stop();
      this.deadline.set(null);
    };
    this.watch();
    void this.load();
  }

  private heard(signal: PageSignal): void {
    const online = this.context.parts.page.isOnline();
    this.context.update((state) => (state.online === online ? state : { ...state, online }));
    if (signal === "hidden" || signal === "offline") return;
    this.deadline.check();
    this.sending.hurry();
    this.watch();
    void this.reading.refresh();
  }

  private join(): UpdatesMember {
    return this.updates.join({
      news: (news) => {
        this.news.push(news);
        this.takeNews();
      },
      found: () => {
        this.context.update((state) => (state.lostNews === 0 ? state : { ...state, lostNews: 0 }));
        this.context.reached();
      },
      lost: (error) => {
        const online = this.context.parts.page.isOnline();
        this.context.update((state) => ({ ...state, lostNews: state.lostNews + 1, online }));
        if (error !== null) this.context.report(error);
      },
    });
  }

  /** News wait for the next frame, and for answers under way that they would have to be put on top of. */
  private takeNews(): void {
    if (this.isFrameAsked || this.news.length === 0 || !this.context.isSettled) return;
    this.isFrameAsked = true;
    this.context.parts.page.nextFrame(() => {
      this.isFrameAsked = false;
      if (!this.context.isSettled) return;
      const news = this.news.splice(0);
      if (news.length > 0) this.reading.hear(news);
    });
  }

  private stored(): void {
    this.activity.reported();
    // The connection is good, so a failure here is told by the next read; the message itself is safe.
    this.reading.catchUp(this.context.epoch).catch((error: unknown) => this.context.report(error));
  }

  private expired(): void {
    const session = this.context.state.session?.id ?? null;
    this.context.update(lapsed);
    this.context.tabs?.tellPage({ scope: this.scope, session });
    void this.reading.refresh();
  }

  private changed(): void {
    this.snapshot = toSnapshot(this.context.state);
    if (this.connections > 0) this.watch();
    this.takeNews();
    for (const listener of [...this.listeners]) listener();
  }

  /** What we follow and wait for is a consequence of what is known, never a second truth. */
  private watch(): void {
    const { session, messages, loaded, viewing } = this.context.state;
    const running = runningReply(messages) !== null;
    const isOpen = session !== null && session.state === "active";
    this.context.live?.await(running);
    if (loaded && session?.unread && this.context.parts.page.isVisible()) void this.lifecycle.markRead(session);
    this.deadline.set(isOpen && !running ? session.expires_at : null, isOpen ? warningFor(session) : undefined);
    if (loaded && !viewing && session !== null && this.reading.knowsReader) this.remember(session.id);
  }

  private remember(session: string): void {
    const { hint } = this.context.parts;
    if (hint.read().session !== session) hint.write({ session });
  }

  /** A short timeout needs more frequent reports than one every 30 seconds. */
  private touchInterval(): number {
    const { session } = this.context.state;
    return session === null ? TOUCH_INTERVAL : Math.min(TOUCH_INTERVAL, (idleSeconds(session) * 1000) / 4);
  }
}
