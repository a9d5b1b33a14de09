import { BLANK, type ChatState, type PendingMessage } from "./chatState.js";
import {
  boundaryBetween,
  isApart,
  isStale,
  isUnfinished,
  mergeMessages,
  runningReply,
  type Segment,
} from "./transcript.js";
import type { Arrival, CurrentSession, Message, OpenedSession, SentMessage, Session, Transcript } from "./wire.js";

/** Pure steps from one state to the next; the effects that call them live beside this file. */

export function withSession(state: ChatState, given: Session): ChatState {
  // An answer that is late speaks of a chat as it was, also of the one that is known to be over.
  const session = [state.session, state.previous].find((known) => isStale(known, given)) ?? given;
  const isSameDeadline = session.state === "active" && session.expires_at === state.session?.expires_at;
  return {
    ...state,
    session,
    // What is open is there to write in.
    viewing: state.viewing && session.state !== "active",
    remainingSeconds: isSameDeadline ? state.remainingSeconds : null,
  };
}

/** The server said what the next message would meet. */
export function arrived(
  state: ChatState,
  { arrival, session }: Pick<CurrentSession, "arrival" | "session">,
): ChatState {
  if (!session) return nothingOpen(state, arrival);
  if (session.id === state.session?.id) return stillOpen(state, session, arrival);
  // One that goes on elsewhere, and not the next after what is shown: its reader is told.
  const isNext = !state.session || session.previous === state.session.id;
  const welcome = state.loaded ? (isNext ? null : "reopened") : "resumed";
  return { ...entered(state, session, arrival), greeting: session.message_count ? welcome : null };
}

/** Also when we had called it over too early: then nothing was left behind. */
function stillOpen(state: ChatState, session: Session, arrival: Arrival): ChatState {
  const previous = state.previous?.id === session.id ? null : state.previous;
  return { ...withSession(state, session), arrival, previous, viewing: false };
}

function nothingOpen(state: ChatState, arrival: Arrival): ChatState {
  const { previous } = arrival;
  const told = { ...state, arrival, previous, greeting: null };
  return previous && previous.id === state.session?.id ? withSession(told, previous) : told;
}

/** Another session takes over; what this page showed of the one before, or said of it, stays above a boundary. */
function entered(state: ChatState, session: Session, arrival: Arrival): ChatState {
  const before = state.session ?? state.previous;
  const follows = session.previous === before?.id;
  const previous = arrival.previous ?? (follows ? before : null);
  return {
    ...withSession(state, session),
    ...BLANK,
    arrival,
    previous,
    earlier: follows ? [...state.earlier, ...carried(state.messages, previous, session, arrival)] : [],
  };
}

function carried(messages: readonly Message[], previous: Session | null, next: Session, arrival: Arrival): Segment[] {
  if (!previous?.message_count) return [];
  const reason = arrival.status === "new" ? arrival.reason : previous.end_reason;
  // Who has ended a chat, and sees nothing of it any more, needs no line.
  return reason === "user" && !messages[0] ? [] : [{ messages, boundary: boundaryBetween(previous, next, reason) }];
}

export function queued(state: ChatState, message: PendingMessage): ChatState {
  // What is sent need not be what is in the field.
  const draft = state.draft === message.content ? "" : state.draft;
  return { ...state, pending: [...state.pending, message], draft };
}

export function changedPending(state: ChatState, key: string, change: Partial<PendingMessage>): ChatState {
  const pending = state.pending.map((message) => (message.key === key ? { ...message, ...change } : message));
  return { ...state, pending };
}

export function withoutPending(state: ChatState, key: string): ChatState {
  return { ...state, pending: state.pending.filter((message) => message.key !== key) };
}

/** A message was stored, now or by an earlier attempt with the same key. */
export function sent(state: ChatState, key: string, answer: SentMessage, isLeft: boolean): ChatState {
  const { arrival, session, message, reply } = answer;
  const rest = { ...withoutPending(state, key), keys: new Map(state.keys).set(message.id, key) };
  const shown = state.session;
  const isShown = shown?.id === session.id;
  // The reader has gone elsewhere meanwhile, perhaps long before this attempt: no answer leads back in time.
  // An old chat may have been answered after the one that is open began.
  const isElsewhere =
    !isShown &&
    shown &&
    (isLeft ||
      state.viewing ||
      session.scope !== shown.scope ||
      session.last_activity_at < shown.last_activity_at ||
      (session.state !== "active" && shown.state === "active"));
  // What it has left behind is told when the reader goes back to it.
  if (isElsewhere) return state.viewing ? { ...rest, previous: arrival.previous ?? rest.previous } : rest;
  const here = isShown ? withSession(rest, session) : entered(rest, session, arrival);
  const messages = mergeMessages(here.messages, reply ? [message, reply] : [message]);
  return { ...here, messages, greeting: null, loaded: true };
}

/** The server's word about the session on screen and its last reply. */
export function replied(state: ChatState, session: Session, reply: Message | null): ChatState {
  if (session.id !== state.session?.id) return state;
  const known = withSession(state, session);
  return reply ? joined(known, [reply]) : known;
}

/** What was written in several tabs, as one opened beside a draft shows it too, is sent in one. */
export function withoutDraft(state: ChatState, messages: readonly Message[]): ChatState {
  const isSent = messages.some(({ role, content }) => role === "user" && content === state.draft);
  return isSent ? { ...state, draft: "" } : state;
}

/** These messages too, unless some before them are missing here. */
export function joined(state: ChatState, messages: readonly Message[]): ChatState {
  const [first] = messages;
  if (!first) return state;
  const isTorn = state.messages[0] ? isApart(state.messages, messages) : first.position > 0;
  if (isTorn) return { ...state, gap: true };
  return { ...state, messages: mergeMessages(state.messages, messages) };
}

/** The reader has asked for this session, be it a new one. */
export function opened(state: ChatState, { arrival, session }: OpenedSession, before: Session | null): ChatState {
  const segment = state.earlier.find(({ boundary }) => boundary.previous.id === session.id);
  return {
    // Asked for, it is open, also by a clock that has been set back, unless more was heard meanwhile.
    ...withSession(state.session === before ? { ...state, session: null, previous: null } : state, session),
    ...(state.session?.id === session.id ? { viewing: false } : { ...BLANK, messages: segment?.messages ?? [] }),
    arrival,
    previous: arrival.previous,
    greeting: arrival.status === "new" ? null : "reopened",
    error: null,
    loaded: true,
  };
}

/** The newest page of the session that is shown. */
export function paged(state: ChatState, page: Transcript): ChatState {
  if (page.session.id !== state.session?.id) return state;
  const known = isApart(state.messages, page.messages) ? [] : state.messages;
  const messages = mergeMessages(known, page.messages);
  const reachesFurthest = messages[0]?.id === page.messages[0]?.id;
  const furtherBack = state.nextBefore ?? (messages[0]?.position || null);
  const nextBefore = reachesFurthest ? page.next_before : furtherBack;
  return { ...withSession(state, page.session), messages, nextBefore, gap: false };
}

export function pagedOlder(state: ChatState, page: Transcript): ChatState {
  if (page.session.id !== state.session?.id) return state;
  return { ...state, messages: mergeMessages(state.messages, page.messages), nextBefore: page.next_before };
}

/** An older session is shown, to read. */
export function viewed(state: ChatState, page: Transcript): ChatState {
  const known = withSession(state, page.session);
  return {
    ...known,
    ...BLANK,
    messages: page.messages,
    nextBefore: page.next_before,
    viewing: known.session?.state !== "active",
    greeting: null,
    error: null,
    loaded: true,
  };
}

/** The session's time is over, by our reckoning; the server's word follows. */
export function lapsed(state: ChatState): ChatState {
  if (!state.session) return state;
  const session: Session = {
    ...state.session,
    state: "expired",
    ended_at: state.session.expires_at,
    end_reason: "idle",
  };
  const arrival: Arrival = { status: "new", reason: "idle", previous: session };
  return { ...withSession(state, session), arrival, previous: session, greeting: null };
}

/** The session that was shown no longer exists for this reader. */
export function cleared(state: ChatState): ChatState {
  return { ...state, ...BLANK, session: null, remainingSeconds: null };
}

/** Whether what is shown may differ from what the server has. */
export function isBehind({ session, messages, nextBefore, gap }: ChatState): boolean {
  if (!session) return false;
  if (gap) return true;
  const first = messages[0];
  const last = messages.at(-1);
  if (!first || !last) return !!session.message_count;
  if (first.position > 0 && nextBefore === null) return true;
  if (messages.some((message) => message !== last && isUnfinished(message))) return true;
  return last.position + 1 !== session.message_count || session.running !== (runningReply(messages) !== null);
}
