/** The HTTP contract, field for field as in `openapi.yaml`; `wire.test.ts` holds the two together. */

export const SESSION_STATES = ["active", "expired", "ended"] as const;
export const ROLES = ["user", "assistant", "system", "tool"] as const;
export const MESSAGE_STATES = ["", "pending", "running", "answered", "failed", "stopped", "interrupted"] as const;
export const ARRIVAL_STATUSES = ["new", "resumed", "reopened"] as const;
export const CONFLICT_CODES = ["turn_in_progress", "session_ended", "nothing_to_retry"] as const;
export const ERROR_CODES = [
  "invalid_json",
  "invalid",
  "unknown_field",
  "too_long",
  "too_large",
  "unsupported_media_type",
  "not_found",
  "method_not_allowed",
  "not_authenticated",
  "csrf_failed",
  "key_reused",
  "other_reader",
  "use_polling",
  "too_many_messages",
  "too_many_streams",
  "unavailable",
] as const;

export type SessionStateName = (typeof SESSION_STATES)[number];
export type Role = (typeof ROLES)[number];
export type MessageState = (typeof MESSAGE_STATES)[number];
export type ArrivalStatus = (typeof ARRIVAL_STATUSES)[number];
export type ConflictCode = (typeof CONFLICT_CODES)[number];
export type ErrorCode = (typeof ERROR_CODES)[number];

/** UTC, ISO 8601, microseconds and a `Z`. */
export type Time = string;

export interface Session {
  id: string;
  scope: string;
  state: SessionStateName;
  running: boolean;
  title: string;
  preview: string;
  message_count: number;
  unread: boolean;
  started_at: Time;
  last_activity_at: Time;
  last_message_at: Time;
  expires_at: Time | null;
  ended_at: Time | null;
  end_reason: string;
  previous: string | null;
  pinned_at: Time | null;
  archived_at: Time | null;
}

export interface Message {
  id: string;
  session: string;
  role: Role;
  content: string;
  position: number;
  state: MessageState;
  /** Of a reply, how often it was asked for; each attempt writes its text anew. */
  attempt: number;
  error: string;
  created_at: Time;
  metadata: Record<string, unknown>;
}

export interface Arrival {
  status: ArrivalStatus;
  reason: string;
  previous: Session | null;
}

export interface CurrentSession {
  arrival: Arrival;
  session: Session | null;
  server_time: Time;
  /** A name for who is asking, which tells nothing about them. */
  reader: string;
}

export interface OpenedSession {
  arrival: Arrival;
  session: Session;
  server_time: Time;
}

export interface SessionState {
  session: Session;
  server_time: Time;
}

export interface SessionReply {
  session: Session;
  reply: Message | null;
  server_time: Time;
}

export interface Delta {
  session: string;
  message: string;
  attempt: number;
  /** In Unicode code points from the start of the content, which are not JavaScript's characters. */
  offset: number;
  text: string;
}

export interface Updates {
  cursor: string;
  sessions: Session[];
  messages: Message[];
  deltas: Delta[];
  history_changed: boolean;
  server_time: Time;
}

export interface SentMessage {
  arrival: Arrival;
  session: Session;
  message: Message;
  reply: Message | null;
  server_time: Time;
}

export interface History {
  sessions: Session[];
  next_cursor: string | null;
  server_time: Time;
}

export interface Match {
  session: Session;
  excerpt: string;
}

export interface Found {
  matches: Match[];
  complete: boolean;
  server_time: Time;
}

export interface Transcript {
  session: Session;
  messages: Message[];
  next_before: number | null;
  server_time: Time;
}

export interface StartSession {
  scope?: string | undefined;
}

export interface SendMessage {
  scope?: string | undefined;
  content: string;
  key: string;
  session?: string | undefined;
  /** Who wrote it; refused where somebody else would send it. */
  reader?: string | undefined;
}

/** One of them at least. */
export interface ChangeSession {
  title?: string | undefined;
  pinned?: boolean | undefined;
  archived?: boolean | undefined;
}

export interface ErrorBody {
  code: ErrorCode;
  message: string;
  field: string | null;
}

export interface Conflict {
  code: ConflictCode;
  message: string;
  field: null;
  session: Session;
  current: Session | null;
  running: Message | null;
}

export interface Held {
  code: "sessions_held";
  message: string;
  field: null;
  held: number;
  erased: number;
}
