import type { ChatContext } from "./chatContext.js";
import type { TimerId } from "./clock.js";
import { isRetryable } from "./errors.js";
import { isApart, runningReply } from "./transcript.js";
import { paged } from "./transitions.js";
import type { Message } from "./wire.js";

const FIRST = 400;
const GROWTH = 1.35;
const LONGEST = 2000;
const HIDDEN = 10_000;
const PAGE = 50;

interface FollowingEvents {
  /** The reply has reached a terminal state. */
  finished(session: string): void;
  /** The session is gone, or no longer ours. */
  lost(error: unknown): void;
}

/** Looks at a running reply until it has ended. A failed look is trouble on the way, never the end. */
export class Following {
  private readonly context: ChatContext;
  private readonly events: FollowingEvents;
  private session: string | null = null;
  private abandoned: string | null = null;
  private interval = FIRST;
  private timer: TimerId = null;

  constructor(context: ChatContext, events: FollowingEvents) {
    this.context = context;
    this.events = events;
  }

  /** The session whose reply to follow; null follows nothing. */
  follow(session: string | null): void {
    if (session === this.session || (session !== null && session === this.abandoned)) return;
    this.stop();
    this.abandoned = null;
    if (session === null) return;
    this.session = session;
    this.interval = FIRST;
    this.schedule(session);
  }

  /** The page is looked at again, or back online: look at once, and often. */
  hurry(): void {
    this.abandoned = null;
    if (this.session === null) return;
    this.interval = FIRST;
    this.parts.clock.clearTimeout(this.timer);
    void this.look(this.session);
  }

  stop(): void {
    this.session = null;
    this.parts.clock.clearTimeout(this.timer);
  }

  private get parts() {
    return this.context.parts;
  }

  private schedule(session: string): void {
    const wait = this.parts.page.isVisible() ? this.interval : HIDDEN;
    this.parts.clock.clearTimeout(this.timer);
    this.timer = this.parts.clock.setTimeout(() => void this.look(session), wait);
    this.interval = Math.min(LONGEST, this.interval * GROWTH);
  }

  private async look(session: string): Promise<void> {
    try {
      await this.read(session, 2);
    } catch (error) {
      if (session !== this.session) return;
      if (!isRetryable(error)) {
        this.stop();
        this.abandoned = session;
        this.events.lost(error);
        return;
      }
    }
    if (session === this.session) this.schedule(session);
  }

  private async read(session: string, limit: number): Promise<void> {
    const page = await this.context.call(() => this.parts.api.getTranscript(session, { limit }));
    if (session !== this.session) return;
    if (limit !== PAGE && isIncomplete(this.context.state.messages, page.messages)) return this.read(session, PAGE);
    const isOver = runningReply(page.messages) === null;
    if (isOver) this.stop();
    this.context.update((state) => paged(state, page));
    if (isOver) this.events.finished(session);
  }
}

/** Whether the newest messages do not tell all that is new, such as when other tabs have gone on meanwhile. */
function isIncomplete(known: readonly Message[], newest: readonly Message[]): boolean {
  const awaited = runningReply(known);
  return isApart(known, newest) || (awaited !== null && !newest.some(({ id }) => id === awaited.id));
}
