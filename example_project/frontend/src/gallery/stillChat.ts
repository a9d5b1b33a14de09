import type {
  Boundary,
  ChatSnapshot,
  ChatStore,
  Message,
  PendingMessage,
  Session,
  TranscriptEntry,
} from "django-chat-sessions";

/** What is said in a still, in the order in which it is shown. */
export type Line = Pick<Message, "role" | "content"> & Partial<Message>;

/** A snapshot, told by what is special about it. */
export interface Still extends Partial<Omit<ChatSnapshot, "messages" | "pending" | "entries">> {
  said?: readonly Line[];
  pending?: readonly (Partial<PendingMessage> & Pick<PendingMessage, "content">)[];
  /** What was said before, and the line between that session and this one. */
  before?: Pick<Boundary, "reason" | "seconds"> & { said: readonly Line[] };
  /** A chat that is opened never comes. */
  isSlow?: boolean;
}

const NOW = Date.now();

export function minutesAgo(minutes: number): string {
  return new Date(NOW - minutes * 60_000).toISOString();
}

export const asked = (content: string): Line => ({ role: "user", content });

export const answered = (content: string, facts: Partial<Message> = {}): Line => ({
  role: "assistant",
  content,
  state: "answered",
  ...facts,
});

/** A session of four minutes, that five minutes without activity will end. */
export function session(facts: Partial<Session> = {}): Session {
  const last = facts.last_message_at ?? minutesAgo(1);
  return {
    id: "this-session",
    scope: "gallery",
    state: "active",
    running: false,
    title: "Why is the sea slow to warm up?",
    preview: "Why is the sea slow to warm up?",
    message_count: 2,
    unread: false,
    started_at: minutesAgo(4),
    last_activity_at: last,
    last_message_at: last,
    expires_at: new Date(Date.parse(last) + 300_000).toISOString(),
    ended_at: null,
    end_reason: "",
    previous: null,
    pinned_at: null,
    archived_at: null,
    ...facts,
  };
}

/** The same session, after five minutes in which nothing happened. */
export function expiredSession(facts: Partial<Session> = {}): Session {
  const [last, end] = [minutesAgo(12), minutesAgo(7)];
  return session({
    state: "expired",
    last_message_at: last,
    expires_at: end,
    ended_at: end,
    end_reason: "idle",
    ...facts,
  });
}

export function snapshotOf({ said = [], pending = [], before, isSlow: _, ...rest }: Still): ChatSnapshot {
  const messages = messagesOf(said, "this-session");
  const waiting = pending.map(pendingMessage);
  return {
    status: "active",
    running: null,
    arrival: null,
    session: said.length === 0 ? null : session(),
    previous: null,
    messages,
    pending: waiting,
    entries: [
      ...(before === undefined ? [] : entriesBefore(before)),
      ...messages.map(messageEntry),
      ...waiting.map((one): TranscriptEntry => ({ kind: "pending", key: one.key, pending: one })),
    ],
    draft: "",
    error: null,
    remainingSeconds: null,
    loadingOlder: false,
    hasOlder: false,
    readOnly: false,
    durable: true,
    answeredElsewhere: null,
    ...rest,
  };
}

/** A store that shows one snapshot: words can be typed and banners dismissed, and nothing is asked of a server. */
export function createStillChat(still: Still): ChatStore {
  let snapshot = snapshotOf(still);
  const listeners = new Set<() => void>();
  const change = (part: Partial<ChatSnapshot>) => {
    snapshot = { ...snapshot, ...part };
    for (const listener of [...listeners]) listener();
  };
  const nothing = () => {};
  const nothingYet = async () => {};
  const open = () => (still.isSlow ? new Promise<void>(nothing) : nothingYet());
  const refused = async () => false;
  return {
    scope: "gallery",
    getSnapshot: () => snapshot,
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connect: () => nothing,
    setDraft: (draft) => change({ draft }),
    dismissError: () => change({ error: null }),
    keep: async () => {
      change({ status: "active", remainingSeconds: null });
      return true;
    },
    send: () => null,
    ...{ retry: nothing, retryInCurrent: nothing, discard: nothing, touch: nothing, hide: nothing },
    ...{ load: nothingYet, retryInEnded: nothingYet, open, openCurrent: nothingYet, loadOlder: nothingYet },
    ...{ startNew: refused, reopen: refused, end: refused, stop: refused, retryReply: refused },
  };
}

function messagesOf(said: readonly Line[], sessionId: string): Message[] {
  return said.map((line, index) => ({
    id: `${sessionId}-${index}`,
    session: sessionId,
    position: index,
    state: "",
    attempt: 1,
    error: "",
    created_at: minutesAgo(3),
    metadata: {},
    ...line,
  }));
}

function messageEntry(message: Message): TranscriptEntry {
  return { kind: "message", key: message.id, message };
}

function entriesBefore({ said, reason, seconds }: NonNullable<Still["before"]>): TranscriptEntry[] {
  const previous = expiredSession({ id: "session-before" });
  const boundary: Boundary = { key: "boundary", reason, previous, seconds };
  return [...messagesOf(said, previous.id).map(messageEntry), { kind: "boundary", key: boundary.key, boundary }];
}

function pendingMessage(one: NonNullable<Still["pending"]>[number], index: number): PendingMessage {
  const unknown = { session: null, scope: "", after: null, reader: null, problem: null, conflict: null };
  return { key: `pending-${index}`, ...unknown, state: "sending", tried: false, ...one };
}
