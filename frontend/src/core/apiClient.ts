import { createExchange, readDeleted } from "./exchange.js";
import type {
  ChangeSession,
  CurrentSession,
  Found,
  History,
  OpenedSession,
  SendMessage,
  SentMessage,
  SessionReply,
  SessionState,
  StartSession,
  Transcript,
  Updates,
} from "./wire.js";

export interface ApiClientOptions {
  /** Where the host includes `django_chat_sessions.urls`, such as `/chat`. */
  baseUrl: string;
  fetch?: typeof globalThis.fetch | undefined;
  /** Read for each request that writes; the `csrftoken` cookie when absent or null. */
  csrfToken?: (() => string | null | undefined) | undefined;
  /** Sent with every request, such as `Authorization`. */
  headers?: Record<string, string> | (() => Record<string, string> | undefined) | undefined;
  /** `same-origin` when absent. */
  credentials?: RequestCredentials | undefined;
  /** Milliseconds after which a request counts as lost; 30 000 when absent. */
  timeout?: number | undefined;
  timers?: { setTimeout(run: () => void, milliseconds: number): unknown; clearTimeout(id: unknown): void } | undefined;
}

export interface ListOptions {
  scope?: string | undefined;
  limit?: number | undefined;
  cursor?: string | undefined;
  /** The archived sessions instead. */
  archived?: boolean | undefined;
}

export interface SearchOptions {
  scope?: string | undefined;
  limit?: number | undefined;
}

export interface PageOptions {
  limit?: number | undefined;
  before?: number | undefined;
}

export interface UpdatesOptions {
  /** The cursor of the updates before. */
  since?: string | undefined;
  scope?: string | undefined;
}

export interface StreamOptions extends UpdatesOptions {
  signal: AbortSignal;
  onUpdates(updates: Updates): void;
  /** Something came from the server, be it a comment that only keeps the connection open. */
  onAlive(): void;
}

/** One method for each operation that a chat needs, named by its `operationId`. */
export interface ApiClient {
  readonly baseUrl: string;
  getCurrentSession(scope: string): Promise<CurrentSession>;
  listSessions(options?: ListOptions): Promise<History>;
  searchSessions(q: string, options?: SearchOptions): Promise<Found>;
  startSession(body: StartSession): Promise<OpenedSession>;
  sendMessage(body: SendMessage): Promise<SentMessage>;
  getSession(id: string): Promise<SessionState>;
  changeSession(id: string, body: ChangeSession): Promise<SessionState>;
  deleteSession(id: string): Promise<void>;
  restoreSession(id: string): Promise<SessionState>;
  getTranscript(id: string, options?: PageOptions): Promise<Transcript>;
  endSession(id: string): Promise<SessionState>;
  reopenSession(id: string): Promise<OpenedSession>;
  touchSession(id: string): Promise<SessionState>;
  stopReply(id: string): Promise<SessionReply>;
  retryReply(id: string): Promise<SessionReply>;
  markRead(id: string): Promise<SessionState>;
  /** Null when nothing has changed. */
  getUpdates(options?: UpdatesOptions): Promise<Updates | null>;
  /** `getUpdates` as a stream: true when the server ended it, false when it answered once, as to a poll. */
  streamUpdates(options: StreamOptions): Promise<boolean>;
}

type Query = { [name: string]: string | number | boolean | undefined };

export function createApiClient(options: ApiClientOptions): ApiClient {
  const exchange = createExchange(options);
  const get = <T>(path: string, query: Query = {}) => exchange<T>({ path: `${path}${queryOf(query)}` });
  const post = <T>(path: string, body?: object) => exchange<T>({ method: "POST", path, body });
  const one = (id: string) => `/sessions/${encodeURIComponent(id)}`;
  return {
    baseUrl: options.baseUrl,
    getCurrentSession: (scope) => get("/sessions/current", { scope }),
    listSessions: (list) => get("/sessions", { ...list }),
    searchSessions: (q, search) => get("/sessions/search", { q, ...search }),
    startSession: (body) => post("/sessions", body),
    sendMessage: (body) => post("/messages", body),
    getSession: (id) => get(one(id)),
    changeSession: (id, body) => exchange({ method: "PATCH", path: one(id), body }),
    deleteSession: (id) => exchange({ method: "DELETE", path: one(id) }, readDeleted),
    restoreSession: (id) => post(`${one(id)}/restore`),
    getTranscript: (id, page) => get(`${one(id)}/messages`, { ...page }),
    endSession: (id) => post(`${one(id)}/end`),
    reopenSession: (id) => post(`${one(id)}/reopen`),
    touchSession: (id) => post(`${one(id)}/touch`),
    stopReply: (id) => post(`${one(id)}/stop`),
    retryReply: (id) => post(`${one(id)}/retry`),
    markRead: (id) => post(`${one(id)}/read`),
    // Not by `If-None-Match`: from another origin a browser sends it only where the host's CORS names it.
    getUpdates: async ({ since, scope } = {}) => {
      const updates = await get<Updates | null>("/updates", { since, scope });
      return updates?.cursor === since ? null : updates;
    },
    // Its code comes with that of whoever asks for it.
    streamUpdates: async ({ since, scope, ...stream }) =>
      (await import("./updateStream.js")).streamUpdates(exchange, `/updates${queryOf({ since, scope })}`, stream),
  };
}

function queryOf(query: Query): string {
  // `URLSearchParams` makes texts of them itself.
  const pairs = Object.entries(query).filter(([, value]) => value !== undefined) as string[][];
  return pairs[0] ? `?${new URLSearchParams(pairs)}` : "";
}
