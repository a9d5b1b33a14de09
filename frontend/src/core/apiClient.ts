import { ApiError, NetworkError } from "./errors.js";
import type {
  Conflict,
  CurrentSession,
  ErrorBody,
  History,
  OpenedSession,
  RenameSession,
  SendMessage,
  SentMessage,
  SessionState,
  StartSession,
  Transcript,
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
}

export interface PageOptions {
  limit?: number;
  before?: number;
}

/** One method for each operation of the contract, named by its `operationId`. */
export interface ApiClient {
  getCurrentSession(scope: string): Promise<CurrentSession>;
  listSessions(options?: ListOptions): Promise<History>;
  startSession(body: StartSession): Promise<OpenedSession>;
  sendMessage(body: SendMessage): Promise<SentMessage>;
  getSession(id: string): Promise<SessionState>;
  renameSession(id: string, body: RenameSession): Promise<SessionState>;
  deleteSession(id: string): Promise<void>;
  getTranscript(id: string, options?: PageOptions): Promise<Transcript>;
  endSession(id: string): Promise<SessionState>;
  reopenSession(id: string): Promise<OpenedSession>;
  touchSession(id: string): Promise<SessionState>;
}

type Query = { [name: string]: string | number | undefined };
type Method = "GET" | "POST" | "PATCH" | "DELETE";

export function createApiClient(options: ApiClientOptions): ApiClient {
  const request = createRequest(options);
  const path = (id: string, verb = "") => `/sessions/${encodeURIComponent(id)}${verb}`;
  return {
    getCurrentSession: (scope) => request("GET", `/sessions/current${queryOf({ scope })}`),
    listSessions: (list = {}) => request("GET", `/sessions${queryOf({ ...list })}`),
    startSession: (body) => request("POST", "/sessions", body),
    sendMessage: (body) => request("POST", "/messages", body),
    getSession: (id) => request("GET", path(id)),
    renameSession: (id, body) => request("PATCH", path(id), body),
    deleteSession: (id) => request("DELETE", path(id)),
    getTranscript: (id, page = {}) => request("GET", `${path(id, "/messages")}${queryOf({ ...page })}`),
    endSession: (id) => request("POST", path(id, "/end")),
    reopenSession: (id) => request("POST", path(id, "/reopen")),
    touchSession: (id) => request("POST", path(id, "/touch")),
  };
}

function createRequest(options: ApiClientOptions) {
  const base = options.baseUrl.replace(/\/+$/, "");
  return async <T>(method: Method, path: string, body?: object): Promise<T> => {
    const init: RequestInit = {
      method,
      headers: headersFor(options, method, body !== undefined),
      credentials: options.credentials ?? "same-origin",
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return withTimeout(options, async (signal) => {
      const response = await (options.fetch ?? globalThis.fetch)(`${base}${path}`, { ...init, signal });
      return readResponse<T>(response);
    });
  };
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

async function withTimeout<T>(options: ApiClientOptions, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const timers = options.timers ?? {
    setTimeout: (fire: () => void, milliseconds: number) => setTimeout(fire, milliseconds),
    clearTimeout: (id: unknown) => clearTimeout(id as ReturnType<typeof setTimeout>),
  };
  const controller = new AbortController();
  const timer = timers.setTimeout(() => controller.abort(), options.timeout ?? 30_000);
  try {
    return await run(controller.signal);
  } catch (error) {
    if (error instanceof ApiError || error instanceof NetworkError) throw error;
    throw new NetworkError("The server could not be reached.", { cause: error });
  } finally {
    timers.clearTimeout(timer);
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
