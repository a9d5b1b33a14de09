import { afterEach, describe, expect, it, vi } from "vitest";
import { type ApiClientOptions, createApiClient } from "./apiClient.js";
import { backoff } from "./backoff.js";
import { ApiError, isRetryable } from "./errors.js";
import { FakeTimers, settle } from "./testing/fakeTimers.js";

interface Call {
  url: string;
  init: RequestInit & { headers: Record<string, string> };
}

function client(answer: () => Response | Promise<Response>, options: Partial<ApiClientOptions> = {}) {
  const calls: Call[] = [];
  const fetch = async (url: RequestInfo | URL, init?: RequestInit) => {
    calls.push({ url: String(url), init: init as Call["init"] });
    return answer();
  };
  return { api: createApiClient({ baseUrl: "/chat/", fetch, ...options }), calls };
}

const json = (body: unknown, status = 200, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(body), { status, headers });
const done = () => json({ server_time: "2026-11-22T12:00:00Z" });
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable(),
    (error: unknown) => error,
  );

afterEach(() => {
  // biome-ignore lint/suspicious/noDocumentCookie: happy-dom has no cookie store
  document.cookie = "csrftoken=; max-age=0";
});

it("takes undefined for each option that a host may leave out", async () => {
  // The compiler checks it, which is as strict here about undefined as a host's may be.
  const left: Required<{ [Name in keyof Omit<ApiClientOptions, "baseUrl" | "fetch">]: undefined }> = {
    ...{ csrfToken: undefined, headers: undefined, credentials: undefined },
    ...{ timeout: undefined, timers: undefined },
  };
  const { api, calls } = client(done, left);
  await api.endSession("x");
  expect(calls[0]?.init.headers).toEqual({ Accept: "application/json" });
});

it("takes no refusal for an answer, although it tells the server's time", async () => {
  const { api, calls } = client(() => json({ code: "invalid", message: "No.", server_time: "2026-11-22" }, 400));
  expect(await failure(api.getSession("x"))).toMatchObject({ status: 400, code: "invalid" });
  expect(calls[0]?.init.cache).toBe("no-store");
});

describe("requests", () => {
  it("go where the contract says", async () => {
    const { api, calls } = client(done);
    await api.getCurrentSession("subject:1/ä");
    await api.listSessions({ limit: 5 });
    await api.listSessions();
    await api.startSession({ scope: "a" });
    await api.sendMessage({ content: "Why?", key: "12345678" });
    await api.getSession("a/b");
    await api.changeSession("x", { title: "T" });
    await api.listSessions({ archived: true });
    await api.searchSessions("ice & water", { limit: 3 });
    await api.searchSessions("ice");
    await api.restoreSession("x");
    await api.getTranscript("x", { limit: 2, before: 8 });
    await api.getTranscript("x");
    await api.endSession("x");
    await api.reopenSession("x");
    await api.touchSession("x");
    expect(calls.map(({ url, init }) => `${init.method} ${url} ${init.body ?? ""}`.trim())).toEqual([
      "GET /chat/sessions/current?scope=subject%3A1%2F%C3%A4",
      "GET /chat/sessions?limit=5",
      "GET /chat/sessions",
      'POST /chat/sessions {"scope":"a"}',
      'POST /chat/messages {"content":"Why?","key":"12345678"}',
      "GET /chat/sessions/a%2Fb",
      'PATCH /chat/sessions/x {"title":"T"}',
      "GET /chat/sessions?archived=true",
      "GET /chat/sessions/search?q=ice+%26+water&limit=3",
      "GET /chat/sessions/search?q=ice",
      "POST /chat/sessions/x/restore",
      "GET /chat/sessions/x/messages?limit=2&before=8",
      "GET /chat/sessions/x/messages",
      "POST /chat/sessions/x/end",
      "POST /chat/sessions/x/reopen",
      "POST /chat/sessions/x/touch",
    ]);
    expect(calls.every(({ init }) => init.credentials === "same-origin")).toBe(true);
  });

  it("carry Django's token when they write, and not when they read", async () => {
    // biome-ignore lint/suspicious/noDocumentCookie: happy-dom has no cookie store
    document.cookie = "csrftoken=abc%3D";
    const { api, calls } = client(() => new Response(null, { status: 204 }));
    await api.deleteSession("x");
    await api.getSession("x").catch(() => {});
    expect(calls.map(({ init }) => init.headers["X-CSRFToken"])).toEqual(["abc=", undefined]);
  });

  it("carry the last of several tokens, as of a sibling's domain: Django reads that one", async () => {
    vi.spyOn(document, "cookie", "get").mockReturnValue("csrftoken=theirs; a-csrftoken=b; csrftoken=ours; z=1");
    const { api, calls } = client(done);
    await api.touchSession("x");
    vi.restoreAllMocks();
    expect(calls[0]?.init.headers).toHaveProperty("X-CSRFToken", "ours");
  });

  it("never show the cookie's token to another origin", async () => {
    // biome-ignore lint/suspicious/noDocumentCookie: happy-dom has no cookie store
    document.cookie = "csrftoken=abc";
    const { api, calls } = client(done, { baseUrl: "https://elsewhere.example/chat" });
    await api.touchSession("x");
    expect(calls[0]?.init.headers).not.toHaveProperty("X-CSRFToken");
  });

  it("carry the cookie's token in a frame whose address names no origin", async () => {
    // biome-ignore lint/suspicious/noDocumentCookie: happy-dom has no cookie store
    document.cookie = "csrftoken=abc";
    const { api, calls } = client(done, { baseUrl: "/chat" });
    vi.stubGlobal("origin", location.origin);
    vi.stubGlobal("location", { origin: "null" });
    await api.touchSession("x");
    vi.unstubAllGlobals();
    expect(calls[0]?.init.headers).toHaveProperty("X-CSRFToken", "abc");
  });

  it("ask for no cookie in a sandbox, which would refuse it", async () => {
    const { api, calls } = client(done, { baseUrl: "/chat", headers: { Authorization: "Token 1" } });
    vi.stubGlobal("origin", "null");
    vi.spyOn(document, "cookie", "get").mockImplementation(() => {
      throw new DOMException("The document is sandboxed.", "SecurityError");
    });
    await api.touchSession("x");
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
    expect(calls[0]?.init.headers).toEqual({ Accept: "application/json", Authorization: "Token 1" });
  });

  it("work where there is no document", async () => {
    vi.stubGlobal("document", undefined);
    const { api, calls } = client(done, { headers: { Authorization: "Token 1" } });
    await api.touchSession("x");
    vi.unstubAllGlobals();
    expect(calls[0]?.init.headers).toEqual({ Accept: "application/json", Authorization: "Token 1" });
  });

  it("take token and headers from the host, each time anew", async () => {
    let count = 0;
    const { api, calls } = client(done, {
      csrfToken: () => `token ${++count}`,
      headers: () => ({ Authorization: `Bearer ${count}` }),
    });
    await api.touchSession("x");
    await api.touchSession("x");
    expect(calls.map(({ init }) => init.headers)).toMatchObject([
      { "X-CSRFToken": "token 1", Authorization: "Bearer 0" },
      { "X-CSRFToken": "token 2", Authorization: "Bearer 1" },
    ]);
  });

  it("use the global fetch unless told otherwise", async () => {
    vi.stubGlobal("fetch", async () => json({ server_time: "now" }));
    expect(await createApiClient({ baseUrl: "/chat" }).getSession("x")).toEqual({ server_time: "now" });
    vi.unstubAllGlobals();
  });
});

describe("refusals", () => {
  it("come with code, sentence, field and the wait asked for", async () => {
    const body = { code: "unavailable", message: "Try later.", field: null };
    const { api } = client(() => json(body, 503, { "Retry-After": "7" }));
    const error = await failure(api.getSession("x"));
    expect(error).toBeInstanceOf(ApiError);
    expect(error).toMatchObject({ status: 503, code: "unavailable", message: "Try later.", body, retryAfter: 7 });
  });

  it("ask for a wait of an hour at most, for longer ones overflow a timer", () => {
    expect(backoff(0, () => 1, new ApiError({ status: 503, retryAfter: 30 * 86_400 }))).toBe(3_600_000);
  });

  it.each([
    ["Sun, 22 Nov 2026 12:00:30 GMT", "Sun, 22 Nov 2026 12:00:00 GMT", 30],
    ["Sun, 22 Nov 2026 11:00:00 GMT", "Sun, 22 Nov 2026 12:00:00 GMT", 0],
    ["soon", "Sun, 22 Nov 2026 12:00:00 GMT", null],
    ["Sun, 22 Nov 2026 12:00:30 GMT", "", null],
  ])("read Retry-After %s at %s as %s", async (retryAfter, date, expected) => {
    const { api } = client(() => json({}, 429, { "Retry-After": retryAfter, ...(date && { Date: date }) }));
    expect(await failure(api.getSession("x"))).toMatchObject({ status: 429, code: "unexpected", retryAfter: expected });
  });

  it.each([200, 302, 404, 502, 511])("a page of something in between (%s) is no answer", async (status) => {
    const { api } = client(() => new Response("<!doctype html>Welcome to our Wi-Fi", { status }));
    expect(await failure(api.getCurrentSession(""))).toMatchObject({ code: "network" });
  });

  it("a page that a bug of the server's makes is its answer", async () => {
    const { api } = client(() => new Response("<h1>Server Error (500)</h1>", { status: 500 }));
    expect(await failure(api.getCurrentSession(""))).toMatchObject({ status: 500, code: "unexpected" });
  });

  it.each(['"text"', "null", "12", "", "[]", "{}", '{"status":"error"}'])("the body %s is no answer", async (text) => {
    const { api } = client(() => new Response(text));
    expect(await failure(api.getCurrentSession(""))).toMatchObject({ code: "network" });
  });

  it.each([204, 304])("nothing at all (%s) is no answer to who did not delete", async (status) => {
    const { api } = client(() => new Response(null, { status }));
    for (const asked of [api.getCurrentSession(""), api.sendMessage({ content: "Hi", key: "k" }), api.getUpdates()]) {
      expect(await failure(asked)).toMatchObject({ code: "network" });
    }
  });

  it("a page with a 403 is a refusal that must not be tried again", async () => {
    const { api } = client(() => new Response("<h1>Forbidden</h1>", { status: 403 }));
    const error = await failure(api.endSession("x"));
    expect(error).toMatchObject({ status: 403, code: "unexpected", field: null });
    expect(isRetryable(error)).toBe(false);
  });
});

describe("the network", () => {
  it("failing is a network error with its cause", async () => {
    const cause = new TypeError("Failed to fetch");
    const { api } = client(() => Promise.reject(cause));
    expect(await failure(api.getSession("x"))).toMatchObject({ name: "ApiError", code: "network", cause });
  });

  it("hanging is given up after the timeout", async () => {
    const timers = new FakeTimers();
    const fetch = (_: unknown, init?: RequestInit) =>
      new Promise<Response>((_resolve, reject) => {
        init?.signal?.addEventListener("abort", () => reject(new DOMException("Aborted", "AbortError")));
      });
    const api = createApiClient({ baseUrl: "/chat", fetch: fetch as typeof globalThis.fetch, timers, timeout: 5000 });
    const error = failure(api.getSession("x"));
    await timers.advance(5000);
    expect(await error).toMatchObject({ code: "network" });
    await settle();
    expect(timers.count).toBe(0);
  });
});
