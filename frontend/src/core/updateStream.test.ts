import { describe, expect, it } from "vitest";
import { createApiClient, type StreamOptions } from "./apiClient.js";
import { ApiError } from "./errors.js";
import { FakeTimers, settle } from "./testing/fakeTimers.js";
import type { Updates } from "./wire.js";

const UPDATES: Updates = {
  ...{ cursor: "c1", sessions: [], messages: [], history_changed: false, server_time: "now" },
  deltas: [{ session: "s", message: "m", attempt: 1, offset: 0, text: "Ünï 🧊" }],
};
const EVENT = new TextEncoder().encode(`event: updates\r\nid: c1\r\ndata: ${JSON.stringify(UPDATES)}\r\n\r\n`);
const EVENTS = { headers: { "Content-Type": "text/event-stream; charset=utf-8" } };

function open(answer: (signal: AbortSignal) => Response, options: Partial<StreamOptions> = {}) {
  const timers = new FakeTimers();
  const calls: { url: string; headers: Headers }[] = [];
  const fetch = async (url: RequestInfo | URL, init?: RequestInit) => {
    calls.push({ url: String(url), headers: new Headers(init?.headers) });
    return answer(init?.signal as AbortSignal);
  };
  const api = createApiClient({ baseUrl: "/chat", fetch, timers, headers: { Authorization: "Token 1" } });
  const heard: Updates[] = [];
  const life = { count: 0 };
  const controller = new AbortController();
  const result = api
    .streamUpdates({
      signal: controller.signal,
      onUpdates: (updates) => heard.push(updates),
      onAlive: () => {
        life.count += 1;
      },
      ...options,
    })
    .catch((error: unknown) => error);
  return { timers, calls, heard, life, controller, result };
}

function streamOf(...pieces: Uint8Array[]): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  return new Response(body, EVENTS);
}

/** One that stays open until it is given up. */
function endless(signal: AbortSignal, push: (controller: ReadableStreamDefaultController<Uint8Array>) => void) {
  const start = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    signal.addEventListener("abort", () => controller.error(new DOMException("Aborted", "AbortError")));
    push(controller);
  };
  return new Response(new ReadableStream({ start }), EVENTS);
}

describe("a stream of updates", () => {
  it("is asked for with the cursor, the host's headers, and the wish for a stream", async () => {
    const { calls, result } = open(() => streamOf(), { since: "c0", scope: "a" });
    expect(await result).toBe(true);
    expect(calls[0]?.url).toBe("/chat/updates?since=c0&scope=a");
    expect(calls[0]?.headers.get("Authorization")).toBe("Token 1");
    expect(calls[0]?.headers.get("Accept")).toBe("text/event-stream, application/json;q=0.9");
  });

  it("is read wherever its bytes are cut, in the middle of a character too", async () => {
    for (let cut = 0; cut <= EVENT.length; cut += 1) {
      const { heard, result } = open(() => streamOf(EVENT.slice(0, cut), EVENT.slice(cut)));
      await result;
      expect(heard).toEqual([UPDATES]);
    }
  });

  it("may hold comments and other events", async () => {
    const text = new TextEncoder().encode(": hello\n\nevent: other\ndata: no JSON\n\n");
    const { heard, life, result } = open(() => streamOf(text, EVENT));
    await result;
    expect([heard.length, life.count]).toEqual([1, 2]);
  });

  it("is broken when it is silent for 35 seconds", async () => {
    let push: ReadableStreamDefaultController<Uint8Array> | null = null;
    const { timers, life, result } = open((signal) =>
      endless(signal, (controller) => {
        push = controller;
      }),
    );
    const says = () => (push as ReadableStreamDefaultController<Uint8Array> | null)?.enqueue(EVENT);
    let isOver = false;
    void result.then(() => {
      isOver = true;
    });
    for (let minute = 0; minute < 4; minute += 1) {
      await timers.advance(34_000);
      says();
    }
    await settle();
    expect([life.count, isOver]).toEqual([4, false]);
    await timers.advance(35_000);
    expect(await result).toMatchObject({ code: "network" });
    expect(timers.count).toBe(0);
  });

  it("ends when nobody wants it any more", async () => {
    const { timers, controller, result } = open((signal) => endless(signal, () => {}));
    await settle();
    controller.abort();
    expect(await result).toMatchObject({ code: "network" });
    expect(timers.count).toBe(0);
  });

  it("is not opened when it was given up before its code came", async () => {
    const { calls, controller, result } = open((signal) => endless(signal, () => {}));
    controller.abort();
    expect(await result).toBeInstanceOf(DOMException);
    expect(calls).toEqual([]);
  });

  it("that cannot be understood is let go", async () => {
    let isCancelled = false;
    const start = (controller: ReadableStreamDefaultController<Uint8Array>) =>
      controller.enqueue(new TextEncoder().encode("event: updates\ndata: {\n\n"));
    const cancel = () => {
      isCancelled = true;
    };
    const { result } = open(() => new Response(new ReadableStream({ start, cancel }), EVENTS));
    expect(await result).toMatchObject({ code: "network" });
    expect(isCancelled).toBe(true);
  });

  it("that a server answers like a poll is one", async () => {
    const { heard, result } = open(() => new Response(JSON.stringify(UPDATES)));
    expect(await result).toBe(false);
    expect(heard).toEqual([UPDATES]);
  });

  it("may be refused, or be no answer at all", async () => {
    const refusal = '{"code":"use_polling","message":"Poll.","field":null}';
    const { result } = open(() => new Response(refusal, { status: 406 }));
    expect(await result).toMatchObject({ status: 406, code: "use_polling" });
    expect(await result).toBeInstanceOf(ApiError);
    expect(await open(() => new Response("<h1>Wi-Fi</h1>")).result).toMatchObject({ code: "network" });
    expect(await open(() => new Response(null, EVENTS)).result).toMatchObject({ code: "network" });
    const garbled = new TextEncoder().encode("event: updates\ndata: {\n\n");
    expect(await open(() => streamOf(garbled)).result).toMatchObject({ code: "network" });
  });
});

describe("a poll", () => {
  const polled = async (since?: string) => {
    const seen: [string, string[]][] = [];
    const fetch = async (path: RequestInfo | URL, init?: RequestInit) => {
      seen.push([String(path), Object.keys(init?.headers ?? {})]);
      const body = '{"cursor":"c0","server_time":"2026-01-01T00:00:00Z"}';
      return new Response(body);
    };
    const updates = await createApiClient({ baseUrl: "/chat", fetch }).getUpdates({ since });
    return { updates, seen };
  };

  it("names its cursor, and says null when nothing has changed", async () => {
    expect((await polled("c0")).updates).toBeNull();
    expect((await polled()).updates).toMatchObject({ cursor: "c0" });
    expect((await polled("b9")).updates).toMatchObject({ cursor: "c0" });
  });

  it("sends no header that another origin may send only by leave", async () => {
    expect((await polled("b9")).seen).toEqual([["/chat/updates?since=b9", ["Accept"]]]);
  });
});
