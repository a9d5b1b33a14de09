import { type ChatProblem, type ChatState, isUnderWay, type PendingMessage } from "./chatState.js";
import { type Boundary, lastAsked, runningReply } from "./transcript.js";
import type { Arrival, Message, Session } from "./wire.js";

export type ChatStatus =
  | "loading"
  | "new"
  | "active"
  | "resumed"
  | "reopened"
  | "expiring"
  | "expired"
  | "ended"
  | "offline"
  | "reconnecting";

/** One row of the transcript; `key` stays the same while a message goes from pending to stored. */
export type TranscriptEntry =
  | { kind: "message"; key: string; message: Message }
  | { kind: "pending"; key: string; pending: PendingMessage }
  | { kind: "boundary"; key: string; boundary: Boundary };

export interface ChatSnapshot {
  status: ChatStatus;
  /** The reply: asked for, being written, going on where we cannot see it just now, or none under way. */
  running: "waiting" | "writing" | "reconnecting" | null;
  arrival: Arrival | null;
  session: Session | null;
  /** The session that was left behind and can be continued. */
  previous: Session | null;
  messages: readonly Message[];
  pending: readonly PendingMessage[];
  /** Everything to show, in order: earlier sessions, boundaries, messages, pending ones. */
  entries: readonly TranscriptEntry[];
  draft: string;
  error: ChatProblem | null;
  /** Only near the expiry, else null. */
  remainingSeconds: number | null;
  loadingOlder: boolean;
  hasOlder: boolean;
  /** An older session is shown; it takes messages again once reopened. */
  readOnly: boolean;
  /** Whether unsent words outlive this page; false where the browser's storage is blocked or full, or nobody knows who types. */
  durable: boolean;
  /** Another session of this reader, whose answer has just arrived and is not read yet. */
  answeredElsewhere: Session | null;
}

const FAILURES_UNTIL_RECONNECTING = 2;

export function toSnapshot(state: ChatState): ChatSnapshot {
  const { arrival, session, previous, messages, draft, error, remainingSeconds, loadingOlder, durable } = state;
  const pending = visiblePending(state);
  return {
    status: statusOf(state),
    running: runningOf(state),
    arrival,
    session,
    previous,
    messages,
    pending,
    entries: entriesOf(state, pending),
    draft,
    error,
    remainingSeconds,
    loadingOlder,
    hasOlder: state.nextBefore !== null,
    readOnly: state.viewing,
    durable,
    answeredElsewhere: state.elsewhere.answered,
  };
}

/** The state table: the first line that holds is the status. */
function statusOf(state: ChatState): ChatStatus {
  const { session, greeting } = state;
  const table: readonly [ChatStatus, boolean][] = [
    ["offline", !state.online],
    ["reconnecting", Math.max(state.failures, state.lostNews) >= FAILURES_UNTIL_RECONNECTING],
    ["loading", !state.loaded],
    // Where nothing was said yet, nothing can pause, and nothing is lost when it ends.
    ["new", session?.message_count === 0 && state.messages.length === 0],
    ["ended", session?.state === "ended"],
    ["expired", (session ?? state.previous)?.state === "expired"],
    ["expiring", state.remainingSeconds !== null],
    ["reopened", greeting === "reopened"],
    ["resumed", greeting === "resumed"],
    ["new", !session],
  ];
  return table.find(([, holds]) => holds)?.[0] ?? "active";
}

function runningOf({ messages, lostNews }: ChatState): ChatSnapshot["running"] {
  const reply = runningReply(messages);
  if (!reply) return null;
  if (lostNews > 0) return "reconnecting";
  return reply.state === "running" && reply.content !== "" ? "writing" : "waiting";
}

const NOTHING_PENDING: readonly PendingMessage[] = [];

/** Of a message that was read anew, as after a reload, the server has told while its own answer is still to come. */
function visiblePending({ viewing, pending, messages }: ChatState): readonly PendingMessage[] {
  if (viewing) return NOTHING_PENDING;
  const stored = lastAsked(messages);
  const isDouble = (message: PendingMessage) =>
    isUnderWay(message) && message.content === stored?.content && message.after !== stored.id;
  return pending.some(isDouble) ? pending.filter((message) => !isDouble(message)) : pending;
}

function entriesOf(state: ChatState, pending: readonly PendingMessage[]): readonly TranscriptEntry[] {
  const entryOf = (message: Message) =>
    remembered(message, () => ({ kind: "message", key: state.keys.get(message.id) ?? message.id, message }));
  return [
    ...state.earlier.flatMap(({ messages, boundary }) => [
      ...messages.map(entryOf),
      remembered(boundary, () => ({ kind: "boundary", key: boundary.key, boundary })),
    ]),
    ...state.messages.map(entryOf),
    ...pending.map((item) => remembered(item, () => ({ kind: "pending", key: item.key, pending: item }))),
  ];
}

const entries = new WeakMap<object, TranscriptEntry>();

/** The same source gives the same entry, so that rows which did not change do not render again. */
function remembered(source: object, make: () => TranscriptEntry): TranscriptEntry {
  const known = entries.get(source);
  if (known) return known;
  const made = make();
  entries.set(source, made);
  return made;
}
