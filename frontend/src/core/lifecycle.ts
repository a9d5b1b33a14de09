import type { ChatContext } from "./chatContext.js";
import type { ChatState } from "./chatState.js";
import { conflictOf } from "./errors.js";
import type { Reading } from "./reading.js";
import { opened, replied, withSession } from "./transitions.js";
import type { OpenedSession, Session, SessionReply } from "./wire.js";

/** What a reader does with a session itself. Each reports a refusal in the state and says whether it worked. */
interface LifecycleVerbs {
  startNew(): Promise<boolean>;
  reopen(id: string): Promise<boolean>;
  end(): Promise<boolean>;
  /** Report activity now, because the reader has asked for it. */
  keep(): Promise<boolean>;
  /** Stop the reply; what was written stays. */
  stop(): Promise<boolean>;
  /** Ask again for the last reply; a session that is over is continued for it. */
  retryReply(): Promise<boolean>;
}

export interface Lifecycle {
  verbs: LifecycleVerbs;
  /** Report activity now. An expired session stays expired, and the answer says so. */
  touch(): Promise<boolean>;
  /** What is on screen has been seen. Not an activity; a lost report is made up for by the next one. */
  markRead(session: Session): Promise<void>;
}

export function createLifecycle(context: ChatContext, catchUp: Reading["catchUp"]): Lifecycle {
  const { api, scope, call, update, set, fail, report } = context;
  /** What was reported as read last: once is enough. */
  let reported = "";

  /** Do this with a session: the one on screen when no other is named. */
  const attempt = async (
    act: (id: string) => Promise<unknown>,
    id = context.state.session?.id,
    isUnasked?: boolean,
  ) => {
    if (id === undefined) return false;
    // What has failed before may be this: it may succeed now, and is said anew if it does not.
    if (!isUnasked) set({ error: null });
    const { reader } = context;
    try {
      await act(id);
      context.tell(reader);
      return true;
    } catch (error) {
      (isUnasked ? report : fail)(error);
      return false;
    }
  };

  const take = (session: Session, more?: Partial<ChatState>) =>
    update((state) =>
      state.session?.id === session.id ? { ...withSession(state, session), greeting: null, ...more } : state,
    );

  const takeReply = async (answer: Promise<SessionReply>) => {
    const { session, reply } = await call(answer);
    update((state) => replied(state, session, reply));
    await catchUp().catch(report);
  };

  const touch = async (isUnasked?: boolean) => {
    const { session, viewing } = context.state;
    if (session?.state !== "active" || viewing) return false;
    return attempt(async (id) => take((await call(api.touchSession(id), 0)).session), session.id, isUnasked);
  };

  /** Enter the session that this answer gives; what is written meanwhile waits for it. */
  const openBy = async (session: string | null, answer: Promise<OpenedSession>) => {
    const { session: before } = context.state;
    context.awaited = session;
    const given = await call(answer).finally(() => {
      context.awaited = undefined;
    });
    context.choose();
    update((state) => opened(state, given, before));
    context.entered(given.arrival);
    await catchUp().catch(report);
  };

  const reopen = (id: string) => attempt(() => openBy(id, api.reopenSession(id)), id);

  const askAgain = async (id: string, mayReopen: boolean): Promise<void> => {
    try {
      await takeReply(api.retryReply(id));
    } catch (error) {
      const conflict = conflictOf(error);
      if (!conflict) throw error;
      if (conflict.code === "session_ended" && mayReopen) {
        if (await reopen(id)) await askAgain(id, false);
        return;
      }
      // Somebody was faster: what they got is what the reader wanted.
      const { session, running } = conflict;
      update((state) => replied(running ? state : { ...state, gap: true }, session, running));
      await catchUp();
    }
  };

  const verbs: LifecycleVerbs = {
    reopen,
    startNew: () => attempt(() => openBy(null, api.startSession({ scope })), ""),
    end: () =>
      attempt(async (id) => {
        const { session } = await call(api.endSession(id));
        context.epoch += 1;
        take(session, { previous: session });
      }),
    keep: () => touch(),
    stop: () => attempt((id) => takeReply(api.stopReply(id))),
    async retryReply() {
      const { session } = context.state;
      if (!session || (session.state !== "active" && !(await reopen(session.id)))) return false;
      return attempt((id) => askAgain(id, true), session.id);
    },
  };
  return {
    verbs,
    touch: () => touch(true),
    async markRead(session) {
      update((state) => withSession(state, { ...session, unread: false }));
      const what = `${session.id} ${session.message_count} ${session.last_activity_at}`;
      if (what === reported) return;
      reported = what;
      try {
        await api.markRead(session.id);
        // A history on this page; other tabs hear of it as news.
        context.tabs?.tellPage({ scope: session.scope, session: session.id });
      } catch {
        if (reported === what) reported = "";
      }
    },
  };
}
