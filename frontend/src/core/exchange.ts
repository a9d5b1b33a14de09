import type { ApiClientOptions } from "./apiClient.js";
import { ApiError } from "./errors.js";
import type { Conflict, ErrorBody } from "./wire.js";

interface ApiRequest {
  /** `GET` when absent. */
  method?: "POST" | "PATCH" | "DELETE";
  path: string;
  body?: object | undefined;
  headers?: Record<string, string>;
  /** Gives up. */
  signal?: AbortSignal;
}

/** One request and its answer; `allow` says how many milliseconds longer that may take. Rejects with an ApiError. */
export type Exchange = <T>(
  request: ApiRequest,
  read?: (response: Response, allow: (milliseconds: number) => void) => Promise<T>,
) => Promise<T>;

export function createExchange(options: ApiClientOptions): Exchange {
  const { baseUrl, credentials = "same-origin", timeout = 30_000, timers = globalThis } = options;
  return async ({ path, signal: outer, ...request }, read = readAnswer) => {
    const controller = new AbortController();
    const { signal } = controller;
    const abort = () => controller.abort();
    let timer: unknown;
    const allow = (milliseconds: number) => {
      timers.clearTimeout(timer as number);
      timer = timers.setTimeout(abort, milliseconds);
    };
    outer?.addEventListener("abort", abort);
    try {
      allow(timeout);
      const { fetch = globalThis.fetch } = options;
      const init = { ...initOf(options, request), credentials, signal };
      return await read(await fetch(baseUrl.replace(/\/+$/, "") + path, init), allow);
    } catch (cause) {
      throw cause instanceof ApiError ? cause : new ApiError({ cause });
    } finally {
      timers.clearTimeout(timer as number);
      outer?.removeEventListener("abort", abort);
    }
  };
}

function initOf(options: ApiClientOptions, { method, body, headers }: Omit<ApiRequest, "path">): RequestInit {
  const own = typeof options.headers === "function" ? options.headers() : options.headers;
  const all: Record<string, string> = { Accept: "application/json", ...own, ...headers };
  const init: RequestInit = { method: method ?? "GET", headers: all, cache: "no-store" };
  if (body) {
    all["Content-Type"] = "application/json";
    init.body = JSON.stringify(body);
  }
  const token = method && (options.csrfToken?.() ?? cookieToken(options.baseUrl));
  if (token) all["X-CSRFToken"] = token;
  return init;
}

/** Django's cookie, and only for our own origin: another one must never see it. */
function cookieToken(baseUrl: string): string | undefined {
  if (!globalThis.document) return;
  // A `srcdoc` frame has no origin in its address, and one in a sandbox has none that counts.
  const own = globalThis.origin ?? location.origin; // happy-dom has only the latter
  if (new URL(baseUrl, document.baseURI).origin !== own) return;
  // The last, as Django does: a sibling's domain, or a path above, may have given another one.
  const value = /^(.*; )?csrftoken=([^;]*)/.exec(document.cookie)?.[2];
  return value && decodeURIComponent(value);
}

/** Of what was deleted there is nothing to say. */
export async function readDeleted(response: Response): Promise<void> {
  if (response.status !== 204) await readAnswer(response);
}

export async function readAnswer<T>(response: Response): Promise<T> {
  const { status } = response;
  const body = parsed(await response.text());
  // All of its answers say it; a worker or a gateway in between may answer with JSON, too.
  if (response.ok && body?.server_time) return body as T;
  const refusal = typeof body?.code === "string" ? (body as unknown as ErrorBody | Conflict) : null;
  const retryAfter = retryAfterIn(response.headers);
  // A captive portal or a proxy answers with a page of its own, at a deploy perhaps a 404: that is no answer of this API.
  // A bug's 500 is one.
  const isForeign = !refusal && (status < 400 || status === 404 || status > 501);
  throw new ApiError(isForeign ? { retryAfter } : { status, body: refusal, retryAfter });
}

/** Of what is no object, nothing can be read either. */
function parsed(text: string): Record<string, unknown> | null {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A number of seconds, or a time, which is compared with the server's own clock and never with ours. */
function retryAfterIn(headers: Headers): number | null {
  const value = headers.get("Retry-After") ?? "";
  const seconds = /^ *\d+ *$/.test(value)
    ? Number(value)
    : (Date.parse(value) - Date.parse(headers.get("Date") ?? "")) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : null;
}
