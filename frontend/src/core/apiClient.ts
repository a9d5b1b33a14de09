import { ApiError, NetworkError } from "./errors.js";
import { readUpdates } from "./updateStream.js";
import type {
  ChangeSession,
  Conflict,
  CurrentSession,
  ErrorBody,
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
  fetch?: typeof globalThis.fetch;
  /** Read for each request that writes; the `csrftoken` cookie when absent. */
  csrfToken?: () => string | null;
  /** Sent with every request, such as `Authorization`. */
  headers?: Record<string, string> | (() => Record<string, string>);
  /** `same-origin` when absent. */
  credentials?: RequestCredentials;
  /** Milliseconds after which a request counts as lost; 30 000 when absent. */
  timeout?: number;
  timers?: { setTimeout(run: () => void, milliseconds: number): unknown; clearTimeout(id: unknown): void };
}

export interface ListOptions {
  scope?: string;
  limit?: number;
  cursor?: string;
  /** The archived sessions instead. */
  archived?: boolean;
}

export interface SearchOptions {
  scope?: string;
  limit?: number;
}

export interface PageOptions {
  limit?: number;
  before?: number;
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

/** One method for each operation of the contract, named by its `operationId`. */
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

/** The server says something at least every 15 seconds: a stream that is silent for so long is broken. */
const SILENCE = 35_000;

type Query = { [name: string]: string | number | boolean | undefined };
type Method = "GET" | "POST" | "PATCH" | "DELETE";

export function createApiClient(options: ApiClientOptions): ApiClient {
  const request = createRequest(options);
  const path = (id: string, verb = "") => `/sessions/${encodeURIComponent(id)}${verb}`;
  return {
    baseUrl: options.baseUrl,
    getCurrentSession: (scope) => request("GET", `/sessions/current${queryOf({ scope })}`),
    listSessions: (list = {}) => request("GET", `/sessions${queryOf({ ...list })}`),
    searchSessions: (q, search = {}) => request("GET", `/sessions/search${queryOf({ q, ...search })}`),
    startSession: (body) => request("POST", "/sessions", body),
    sendMessage: (body) => request("POST", "/messages", body),
    getSession: (id) => request("GET", path(id)),
    changeSession: (id, body) => request("PATCH", path(id), body),
    deleteSession: (id) => request("DELETE", path(id)),
    restoreSession: (id) => request("POST", path(id, "/restore")),
    getTranscript: (id, page = {}) => request("GET", `${path(id, "/messages")}${queryOf({ ...page })}`),
    endSession: (id) => request("POST", path(id, "/end")),
    reopenSession: (id) => request("POST", path(id, "/reopen")),
    touchSession: (id) => request("POST", path(id, "/touch")),
    stopReply: (id) => request("POST", path(id, "/stop")),
    retryReply: (id) => request("POST", path(id, "/retry")),
    markRead: (id) => request("POST", path(id, "/read")),
    getUpdates: ({ since, scope } = {}) => {
      const known: Record<string, string> = since === undefined ? {} : { "If-None-Match": `"${since}"` };
      return request("GET", `/updates${queryOf({ since, scope })}`, undefined, known);
    },
    streamUpdates: (stream) => openStream(options, stream),
  };
}

function createRequest(options: ApiClientOptions) {
  return async <T>(method: Method, path: string, body?: object, more: Record<string, string> = {}): Promise<T> => {
    const init: RequestInit = {
      ...initFor(options, method, { ...headersFor(options, method, body !== undefined), ...more }),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return withTimeout(options, async (signal) => {
      const response = await send(options, path, { ...init, signal });
      return response.status === 304 ? (null as T) : readResponse<T>(response);
    });
  };
}

async function openStream(options: ApiClientOptions, stream: StreamOptions): Promise<boolean> {
  // A server that cannot stream then answers once, instead of refusing.
  const headers = { ...headersFor(options, "GET", false), Accept: "text/event-stream, application/json;q=0.9" };
  const { since, scope, signal: outer } = stream;
  return withTimeout(
    options,
    async (signal, extend) => {
      const path = `/updates${queryOf({ since, scope })}`;
      const response = await send(options, path, { ...initFor(options, "GET", headers), signal });
      if (!response.ok || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
        stream.onUpdates(await readResponse<Updates>(response));
        return false;
      }
      extend(SILENCE);
      const onAlive = () => {
        extend(SILENCE);
        stream.onAlive();
      };
      await readUpdates(response, { ...stream, onAlive });
      return true;
    },
    outer,
  );
}

function initFor(options: ApiClientOptions, method: Method, headers: Record<string, string>): RequestInit {
  return { method, headers, credentials: options.credentials ?? "same-origin", cache: "no-store" };
}

function send(options: ApiClientOptions, path: string, init: RequestInit): Promise<Response> {
  return (options.fetch ?? globalThis.fetch)(`${options.baseUrl.replace(/\/+$/, "")}${path}`, init);
}

function headersFor(options: ApiClientOptions, method: Method, hasBody: boolean): Record<string, string> {
  const own = typeof options.headers === "function" ? options.headers() : options.headers;
  const headers: Record<string, string> = { Accept: "application/json", ...own };
  if (hasBody) headers["Content-Type"] = "application/json";
  if (method === "GET") return headers;
  const token = options.csrfToken ? options.csrfToken() : cookieToken(options.baseUrl);
  if (token) headers["X-CSRFToken"] = token;
  return headers;
}

/** Django's cookie, and only for our own origin: another one must never see it. */
function cookieToken(baseUrl: string): string | null {
  if (typeof document === "undefined") return null;
  if (new URL(baseUrl, document.baseURI).origin !== location.origin) return null;
  const found = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  return found === undefined ? null : decodeURIComponent(found.slice("csrftoken=".length));
}

async function withTimeout<T>(
  options: ApiClientOptions,
  run: (signal: AbortSignal, extend: (milliseconds: number) => void) => Promise<T>,
  outer?: AbortSignal,
): Promise<T> {
  const timers = options.timers ?? {
    setTimeout: (fire: () => void, milliseconds: number) => setTimeout(fire, milliseconds),
    clearTimeout: (id: unknown) => clearTimeout(id as ReturnType<typeof setTimeout>),
  };
  const controller = new AbortController();
  const abort = () => controller.abort();
  let timer: unknown = null;
  const extend = (milliseconds: number) => {
    timers.clearTimeout(timer);
    timer = timers.setTimeout(abort, milliseconds);
  };
  outer?.addEventListener("abort", abort);
  try {
    extend(options.timeout ?? 30_000);
    return await run(controller.signal, extend);
  } catch (error) {
    if (error instanceof ApiError || error instanceof NetworkError) throw error;
    throw new NetworkError("The server could not be reached.", { cause: error });
  } finally {
    timers.clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  }
}

async function readResponse<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  const retryAfter = retryAfterIn(response);
  const body = parseObject(await response.text());
  if (response.ok && body !== null) return body as T;
  const refusal = body !== null && typeof body.code === "string" ? (body as unknown as ErrorBody | Conflict) : null;
  // A captive portal or a proxy answers with a page of its own: that is no answer of this API.
  if (refusal === null && (response.status < 400 || response.status >= 500)) {
    throw new NetworkError("Something between here and the server answered instead of it.", { retryAfter });
  }
  throw new ApiError({ status: response.status, body: refusal, retryAfter });
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function retryAfterIn(response: Response): number | null {
  const value = response.headers.get("Retry-After");
  if (value === null) return null;
  const seconds = /^\d+$/.test(value.trim()) ? Number(value) : (Date.parse(value) - serverDate(response)) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}

/** An absolute Retry-After is compared with the server's own clock, never with ours. */
function serverDate(response: Response): number {
  return Date.parse(response.headers.get("Date") ?? "");
}

function queryOf(query: Query): string {
  const pairs = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs)}`;
}
