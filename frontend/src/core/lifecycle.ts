import type { ChatContext } from "./chatContext.js";
import { conflictOf } from "./errors.js";
import { reopened, replied, startedNew, withSession } from "./transitions.js";
import type { Session } from "./wire.js";

/** The verbs on a session itself. Each reports a refusal in the state and says whether it worked. */
export class Lifecycle {
  private readonly context: ChatContext;
  private readonly catchUp: (epoch: number) => Promise<void>;
  /** What was reported as read last: once is enough. */
  private read = "";

  constructor(context: ChatContext, catchUp: (epoch: number) => Promise<void>) {
    this.context = context;
    this.catchUp = catchUp;
  }

  startNew(): Promise<boolean> {
    const { api, scope } = this.context.parts;
    return this.attempt(async () => {
      const opened = await this.context.call(() => api.startSession({ scope }));
      this.context.epoch += 1;
      this.context.update((state) => startedNew(state, opened));
      this.context.entered(opened.arrival);
      return opened.session.id;
    });
  }

  reopen(id: string): Promise<boolean> {
    return this.attempt(async () => {
      const opened = await this.context.call(() => this.context.parts.api.reopenSession(id));
      const epoch = ++this.context.epoch;
      this.context.update((state) => reopened(state, opened));
      await this.catchUp(epoch);
      return id;
    });
  }

  end(): Promise<boolean> {
    const { session } = this.context.state;
    if (session === null) return Promise.resolve(false);
    return this.attempt(async () => {
      const answer = await this.context.call(() => this.context.parts.api.endSession(session.id));
      this.context.epoch += 1;
      this.take(answer.session, { previous: answer.session });
      return session.id;
    });
  }

  /** Report activity now. An expired session stays expired, and the answer says so. */
  touch(): Promise<boolean> {
    const { session, viewing } = this.context.state;
    if (session?.state !== "active" || viewing) return Promise.resolve(false);
    return this.attempt(async () => {
      const answer = await this.context.call(() => this.context.parts.api.touchSession(session.id));
      this.take(answer.session, {});
      return session.id;
    });
  }

  /** Stop the reply; what was written stays. */
  stopReply(): Promise<boolean> {
    const { session } = this.context.state;
    if (session === null) return Promise.resolve(false);
    return this.attempt(async () => {
      const answer = await this.context.call(() => this.context.parts.api.stopReply(session.id));
      this.context.update((state) => replied(state, answer.session, answer.reply));
      return session.id;
    });
  }

  /** Ask again for the last reply; a session that is over is continued for it. */
  async retryReply(): Promise<boolean> {
    const { session } = this.context.state;
    if (session === null) return false;
    if (session.state !== "active" && !(await this.reopen(session.id))) return false;
    return this.attempt(async () => {
      await this.askAgain(session.id, true);
      return session.id;
    });
  }

  /** What is on screen has been seen. Not an activity; a lost report is made up for by the next one. */
  async markRead(session: Session): Promise<void> {
    this.context.update((state) => withSession(state, { ...session, unread: false }));
    const what = `${session.id} ${session.message_count} ${session.last_activity_at}`;
    if (what === this.read) return;
    this.read = what;
    try {
      await this.context.parts.api.markRead(session.id);
      // A history on this page; other tabs hear of it as news.
      this.context.tabs?.tellPage({ scope: session.scope, session: session.id });
    } catch {
      if (this.read === what) this.read = "";
    }
  }

  private async askAgain(id: string, mayReopen: boolean): Promise<void> {
    try {
      const { session, reply } = await this.context.call(() => this.context.parts.api.retryReply(id));
      this.context.update((state) => replied(state, session, reply));
    } catch (error) {
      const conflict = conflictOf(error);
      if (conflict === null) throw error;
      if (conflict.code === "session_ended" && mayReopen) {
        if (await this.reopen(id)) await this.askAgain(id, false);
        return;
      }
      // Somebody was faster: what they got is what the reader wanted.
      this.context.update((state) => replied(state, conflict.session, conflict.running));
      this.context.update((state) => ({ ...state, gap: conflict.running === null }));
      await this.catchUp(this.context.epoch);
    }
  }

  private take(session: Session, more: { previous?: Session }): void {
    this.context.update((state) => {
      if (state.session?.id !== session.id) return state;
      return { ...withSession(state, session), ...more, greeting: null };
    });
  }

  private async attempt(run: () => Promise<string>): Promise<boolean> {
    try {
      const session = await run();
      this.context.tell(session);
      return true;
    } catch (error) {
      this.context.report(error);
      return false;
    }
  }
}
