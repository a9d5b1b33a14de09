import type { ChatContext } from "./chatContext.js";
import { reopened, startedNew, withSession } from "./transitions.js";
import type { Session } from "./wire.js";

/** The verbs on a session itself. Each reports a refusal in the state and says whether it worked. */
export class Lifecycle {
  private readonly context: ChatContext;
  private readonly catchUp: (epoch: number) => Promise<void>;

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
