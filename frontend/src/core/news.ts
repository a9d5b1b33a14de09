import type { ChatState } from "./chatState.js";
import { heardElsewhere, stillRunning } from "./elsewhere.js";
import { isUnfinished, mergeMessages, runningReply } from "./transcript.js";
import { joined, withSession } from "./transitions.js";
import type { News } from "./updatesReader.js";
import type { Delta, Message, Session } from "./wire.js";

/** What the server says has changed. The same news may come twice, late or out of order: it is applied once. */
export function updated(state: ChatState, { sessions, messages, deltas, history_changed, isWhole }: News): ChatState {
  const isNamed = (id: string) => sessions.some((row) => row.id === id);
  const before = isWhole ? stillRunning(state.elsewhere, isNamed) : state.elsewhere;
  // A first message whose answer was lost: the chat that we hear of may be its own.
  const isUnsure = !state.session && state.pending.length > 0;
  const elsewhere = isUnsure ? before : heardElsewhere(before, sessions, state.session?.id);
  const known = elsewhere === state.elsewhere ? state : { ...state, elsewhere };
  const { session } = known;
  if (!session) return known;
  const isOurs = (item: Message | Delta) => item.session === session.id;
  const told = joined(withEarlier(sessions.reduce(withRow, known), messages), messages.filter(isOurs));
  const grown = deltas.filter(isOurs).reduce(withDelta, told);
  const isOld = history_changed && session.state !== "active";
  // Nothing more will be said of a chat that is over, and its answer may have come in between.
  const isLeftOut = (isWhole || isOld) && !isNamed(session.id);
  const isLate = isOld && isLeftBehind(grown.messages);
  return (isLeftOut && runningReply(grown.messages) !== null) || isLate ? { ...grown, gap: true } : grown;
}

/** Whether the worker of the last answer was taken for dead: if it was only late, it has ended that answer since. */
function isLeftBehind(messages: readonly Message[]): boolean {
  return messages.at(-1)?.state === "interrupted";
}

/** Above a boundary an answer may still be on its way. */
export function withEarlier(state: ChatState, messages: readonly Message[]): ChatState {
  const earlier = state.earlier.map((segment) => {
    const own = messages.filter(({ session }) => session === segment.boundary.previous.id);
    const known = mergeMessages(segment.messages, own);
    return known === segment.messages ? segment : { ...segment, messages: known };
  });
  return earlier.every((segment, index) => segment === state.earlier[index]) ? state : { ...state, earlier };
}

function withRow(state: ChatState, row: Session): ChatState {
  if (row.id === state.session?.id) return withSession(state, row);
  return row.id === state.previous?.id ? { ...state, previous: row } : state;
}

function withDelta(state: ChatState, delta: Delta): ChatState {
  const at = state.messages.findLastIndex(({ id }) => id === delta.message);
  const reply = state.messages[at];
  const after = reply ? grown(reply, delta) : null;
  if (!after) return { ...state, gap: true };
  return after === reply ? state : { ...state, messages: state.messages.with(at, after) };
}

/** The reply with this text added; null when what lies before it is missing here. */
function grown(reply: Message, { attempt, offset, text }: Delta): Message | null {
  if (attempt < reply.attempt || (attempt === reply.attempt && !isUnfinished(reply))) return reply;
  const known = attempt === reply.attempt ? [...reply.content].length - offset : -1;
  if (known < 0) return null;
  // The same text may come twice, or a part of it may: by another way it was faster.
  const added = known === 0 ? text : [...text].slice(known).join("");
  return added === "" && reply.state === "running"
    ? reply
    : { ...reply, state: "running", content: reply.content + added };
}

/** Whether these news say that the next message would meet something else than what is shown. */
export function isOtherwise(state: ChatState, news: News, scope: string): boolean {
  if (!state.loaded || state.viewing) return false;
  const { session } = state;
  const { sessions, history_changed, isWhole } = news;
  if (isWhole && session?.state === "active" && !sessions.some(({ id }) => id === session.id)) return true;
  const isOther = (row: Session) =>
    row.id === session?.id
      ? session.state === "active" && row.state !== "active"
      : row.scope === scope && row.state === "active";
  return history_changed || sessions.some(isOther);
}

/** The session above a boundary whose answer may have come unnoticed; null when none is awaited there. */
export function awaitedEarlier({ earlier }: ChatState): string | null {
  const isAwaited = (messages: readonly Message[]) => runningReply(messages) !== null || isLeftBehind(messages);
  return earlier.find(({ messages }) => isAwaited(messages))?.boundary.previous.id ?? null;
}
