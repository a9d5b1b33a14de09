import type { ApiClient } from "./apiClient.js";
import { type ChatState, INITIAL_STATE, problemOf } from "./chatState.js";
import type { Clock } from "./clock.js";
import { isConnectionTrouble, isRetryable } from "./errors.js";
import type { UpdatesMember } from "./liveUpdates.js";
import type { Outbox } from "./outbox.js";
import type { PageSignals } from "./pageSignals.js";
import type { StoredHint } from "./storedHint.js";
import type { TabMember } from "./tabChannel.js";
import type { Arrival, Message, Time } from "./wire.js";

/** What is kept in the browser for one reader. */
interface Belongings {
  hint: StoredHint;
  outbox: Outbox;
}

interface ContextParts extends Belongings {
  api: ApiClient;
  scope: string;
  owner: string;
  clock: Clock;
  page: PageSignals;
  /** What was kept here for nobody signed in; our own where nobody is. */
  visitor: Belongings;
  newKey: () => string;
  random: () => number;
}

interface ContextEvents {
  changed(): void;
  /** An answer has come: news may go on. */
  settled(): void;
}

/** What every effect of one chat shares: its parts, its state, and the one way to ask the server. */
export interface ChatContext extends ContextParts {
  state: ChatState;
  /** The session that is being reopened, or null for a new one: what is written next is meant for that one. */
  awaited: string | null | undefined;
  /** Raised by whatever makes answers that are still under way out of date. */
  epoch: number;
  /** The epoch in which the reader has last chosen what to see. */
  chosen: number;
  /** Present while the chat is connected. */
  tabs: TabMember | null;
  live: UpdatesMember | null;
  /** How the server names whose chats these are; another login has others. Null until it has been asked. */
  reader: string | null;
  /** What the chat on screen is about: one that was opened from elsewhere may be about something else. */
  shownScope(): string;
  /** Whether news can be put on top of what is known; a message that is being sent would be shown twice. */
  isSettled(): boolean;
  update(change: (state: ChatState) => ChatState): void;
  set(change: Partial<ChatState>): void;
  /**
   * Learn the server's time from its answer, and whether it can be reached. News wait until it is there, unless
   * `holding` is 0: it holds nothing back then, as whatever takes the answer knows newer rows.
   */
  call<T extends { server_time: Time }>(answer: Promise<T>, holding?: 0 | 1): Promise<T>;
  /** What the reader has asked for did not succeed, whatever the reason. */
  fail(error: unknown): void;
  /** What nobody has asked for was refused; what is tried again by itself is a status, not an error. */
  report(error: unknown): void;
  /**
   * Tell the other tabs what is known of a session, the one on screen if none is given, with what is new to them.
   * It is told to those of whoever was here when it was asked for.
   */
  tell(reader: string | null, messages?: Message[], about?: Pick<ChatState, "session" | "arrival">): void;
  /** Our own verb has begun a session. */
  entered(arrival: Arrival): void;
  reached(): void;
  /** Words were kept, or could not be. What was sent and could not be is still not. */
  kept(isKept: boolean): void;
  /** The reader has chosen what to see; returns the epoch that this begins. */
  choose(): number;
}

export function createChatContext(parts: ContextParts, { changed, settled }: ContextEvents): ChatContext {
  const { clock, page, scope } = parts;
  /** Answers under way that news must not overtake: what they say may be older. */
  let asked = 0;
  /** What was asked before the server was heard of last says nothing of now where it fails. */
  let contacts = 0;

  const update = (change: (state: ChatState) => ChatState) => {
    const next = change(context.state);
    if (next === context.state) return;
    context.state = next;
    changed();
  };
  const set = (change: Partial<ChatState>) =>
    update((state) => {
      const isNew = Object.entries(change).some(([name, value]) => state[name as keyof ChatState] !== value);
      return isNew ? { ...state, ...change } : state;
    });
  const reached = (wasOnline = true) => {
    const { online, lostNews } = context.state;
    contacts += 1;
    // The server is there, even if news do not come yet. Whether the device is offline is told by what was asked since:
    // an answer to what was asked before may come a moment later.
    set({ failures: 0, lostNews: Math.min(1, lostNews), online: online || !wasOnline });
  };
  const context: ChatContext = {
    ...parts,
    state: INITIAL_STATE,
    awaited: undefined,
    epoch: 0,
    chosen: 0,
    tabs: null,
    live: null,
    reader: null,
    shownScope: () => context.state.session?.scope ?? scope,
    isSettled: () => asked === 0,
    update,
    set,
    async call(answer, holding = 1) {
      const askedAt = clock.now();
      const { online } = context.state;
      const since = contacts;
      asked += holding;
      try {
        const given = await answer;
        clock.observe(given.server_time, askedAt, clock.now());
        reached(online);
        return given;
      } catch (error) {
        if (!isConnectionTrouble(error)) reached(online);
        else set({ failures: context.state.failures + Number(since === contacts), online: page.isOnline() });
        throw error;
      } finally {
        asked -= holding;
        settled();
      }
    },
    fail(error) {
      // Whether the server is back is asked by nobody else where news were refused.
      if (isConnectionTrouble(error)) context.live?.renew();
      set({ error: problemOf(error) });
    },
    report(error) {
      if (!isRetryable(error)) context.fail(error);
    },
    tell(reader, messages = [], { session, arrival } = context.state) {
      context.tabs?.tell({
        scope: session?.scope ?? scope,
        session: session?.id ?? null,
        ...(session && arrival && { answer: { reader, session, arrival, messages } }),
      });
    },
    entered({ reason }) {
      if (reason === "first") context.live?.renew();
    },
    reached,
    kept(isKept) {
      const { durable, pending } = context.state;
      set({ durable: isKept && (durable || pending.length === 0) });
    },
    choose() {
      context.epoch += 1;
      context.chosen = context.epoch;
      return context.chosen;
    },
  };
  return context;
}
