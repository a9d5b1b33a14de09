import { ApiError, type ApiErrorCode } from "./errors.js";
import type { Segment } from "./transcript.js";
import { idleSeconds } from "./transcript.js";
import type { Arrival, Conflict, Message, Session } from "./wire.js";

/** What went wrong, as data. */
export interface ChatProblem {
  code: ApiErrorCode;
  message: string;
  field: string | null;
}

/** A message that the server has not confirmed yet. Its key is the same on every attempt. */
export interface PendingMessage {
  key: string;
  content: string;
  /** The session the reader was looking at; null when none was open. */
  session: string | null;
  /** What the chat was about that the reader was looking at. */
  scope: string;
  /** The reader's last message of which the server had told when this one was sent. */
  after: string | null;
  /** Who wrote it, as the server names its readers; null when it had not been asked yet. */
  reader: string | null;
  /** `queued` waits for its turn, the connection or its next attempt. */
  state: "queued" | "sending" | "failed";
  /** An attempt was made of which nobody knows how it ended: the server may have it. */
  tried: boolean;
  problem: ChatProblem | null;
  /** What the server said instead of taking it, with the sessions to choose from. */
  conflict: Conflict | null;
}

export type Greeting = "resumed" | "reopened";

/** What is known of the reader's other chats, from news alone. */
export interface Elsewhere {
  /** Sessions in which an answer is being written. */
  running: readonly string[];
  /** The session whose answer has come last, as long as it has not been read. */
  answered: Session | null;
}

/** Everything the store knows; `snapshot.ts` derives what is shown. */
export interface ChatState {
  /** Whether the chat is closed, such as a floating one. */
  hidden?: boolean;
  loaded: boolean;
  online: boolean;
  /** Requests in a row that did not reach the server. */
  failures: number;
  /** Attempts in a row to get news that failed; what is written meanwhile comes when one succeeds. */
  lostNews: number;
  arrival: Arrival | null;
  greeting: Greeting | null;
  session: Session | null;
  previous: Session | null;
  /** An older session is shown, to read only. */
  viewing: boolean;
  messages: readonly Message[];
  nextBefore: number | null;
  /** News came that do not join what is shown: it must be read again. */
  gap: boolean;
  earlier: readonly Segment[];
  /** Message id → the key it was sent with here, so that its row stays the same row. */
  keys: ReadonlyMap<string, string>;
  pending: readonly PendingMessage[];
  draft: string;
  error: ChatProblem | null;
  remainingSeconds: number | null;
  durable: boolean;
  loadingOlder: boolean;
  elsewhere: Elsewhere;
}

/** A transcript of which nothing is known yet. */
export const BLANK = { viewing: false, messages: [], nextBefore: null, gap: false, earlier: [] };

export const INITIAL_STATE: ChatState = {
  ...BLANK,
  loaded: false,
  online: true,
  failures: 0,
  lostNews: 0,
  arrival: null,
  greeting: null,
  session: null,
  previous: null,
  keys: new Map(),
  pending: [],
  draft: "",
  error: null,
  remainingSeconds: null,
  durable: true,
  loadingOlder: false,
  elsewhere: { running: [], answered: null },
};

export function problemOf(error: unknown): ChatProblem {
  if (error instanceof ApiError) return { code: error.code, message: error.message, field: error.field };
  return { code: "network", message: error instanceof Error ? error.message : String(error), field: null };
}

/** Each of these texts that says something, once. */
export function joinedText(...texts: string[]): string {
  return [...new Set(texts)].filter((text) => text.trim() !== "").join("\n");
}

/** Whether the server may have it already. */
export function isUnderWay({ state, tried }: PendingMessage): boolean {
  return state === "sending" || (state === "queued" && tried);
}

const WARNING = 60_000;

/** When to warn before the session expires: a minute, or less when the whole timeout is short. */
export function warningFor(session: Session): number {
  const timeout = idleSeconds(session) * 1000;
  return Math.min(WARNING, Math.max(1000, timeout / 3));
}
