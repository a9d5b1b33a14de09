import type { Message, Session, Time } from "./wire.js";

/** Where one session ended and another began, in a transcript that shows both. */
export interface Boundary {
  key: string;
  reason: string;
  previous: Session;
  /** Between the last activity before it and the start after it. */
  seconds: number;
}

/** What this page had shown of a session before it went over into the next one. */
export interface Segment {
  messages: readonly Message[];
  boundary: Boundary;
}

export function isUnfinished(message: Message): boolean {
  return message.state === "pending" || message.state === "running";
}

/** The reader's own latest message, as far as the server has told. */
export function lastAsked(messages: readonly Message[]): Message | undefined {
  return messages.findLast(({ role }) => role === "user");
}

/** The reply that is being waited for or written. */
export function runningReply(messages: readonly Message[]): Message | null {
  const last = messages.at(-1);
  return last && isUnfinished(last) ? last : null;
}

/** One list without doubles, in order; rows that did not change stay the same objects. */
export function mergeMessages(known: readonly Message[], incoming: readonly Message[]): readonly Message[] {
  const byId = new Map(known.map((message) => [message.id, message]));
  let changed = false;
  for (const message of incoming) {
    const before = byId.get(message.id);
    const after = before ? newer(before, message) : message;
    changed ||= after !== before;
    byId.set(message.id, after);
  }
  return changed ? [...byId.values()].sort((a, b) => a.position - b.position) : known;
}

/** Answers overtake each other on the way here: only a new attempt begins anew, or takes text away. */
function newer(before: Message, after: Message): Message {
  if (before.attempt !== after.attempt) return before.attempt > after.attempt ? before : after;
  const isLate =
    isUnfinished(after) && (progress(before) > progress(after) || before.content.length > after.content.length);
  return isLate || JSON.stringify(before) === JSON.stringify(after) ? before : after;
}

function progress({ state }: Message): number {
  return state === "pending" ? 0 : state === "running" ? 1 : 2;
}

/** Whether messages are missing between the two lists; positions have no gaps. */
export function isApart(known: readonly Message[], incoming: readonly Message[]): boolean {
  const last = known.at(-1);
  const first = incoming[0];
  return !!last && !!first && first.position > last.position + 1;
}

export function boundaryBetween(previous: Session, next: Session, reason: string): Boundary {
  const seconds = secondsBetween(previous.last_activity_at, next.started_at);
  return { key: `${previous.id}>${next.id}`, reason, previous, seconds };
}

/** How long a session had been without activity when it expired, in seconds. */
export function idleSeconds(session: Session): number {
  const { ended_at, expires_at, last_activity_at } = session;
  return secondsBetween(last_activity_at, ended_at ?? expires_at ?? last_activity_at);
}

function secondsBetween(from: Time, to: Time): number {
  return Math.max(0, Math.round((Date.parse(to) - Date.parse(from)) / 1000));
}

/** Whether this row of a session is older than the one we have: neither of the two ever goes back. */
export function isStale(known: Session | null, row: Session): known is Session {
  if (known?.id !== row.id) return false;
  const isSame = row.last_activity_at === known.last_activity_at && row.message_count === known.message_count;
  // What has ended is open again by something new alone.
  if (isSame) return known.state === "ended" && row.state === "active";
  return row.message_count < known.message_count || row.last_activity_at < known.last_activity_at;
}
