import { beforeEach, describe, expect, it } from "vitest";
import { createApiClient } from "./apiClient.js";
import type { ChatStore } from "./chatStore.js";
import { ChatBench } from "./testing/chatBench.js";
import type { Session } from "./wire.js";

let bench: ChatBench;
let here: Session;
let there: Session;
beforeEach(() => {
  bench = new ChatBench();
  here = bench.server.start("", ["Here?", "Here."]);
  there = bench.server.start("b", ["There?", "There."]);
});

/** Gone to another chat while a message waits for the answer that is being written in this one. */
async function leaveWaiting(): Promise<ChatStore> {
  const { store } = await bench.openTab({ owner: "7" });
  store.send("one");
  await bench.timers.advance(3000);
  store.send("two");
  await store.open(there.id);
  await bench.timers.advance(3000);
  return store;
}
const stored = () => bench.server.messages.map(({ content }) => content);

describe("a message that waits for an answer in a chat that was left", () => {
  it("stands in nobody's way when that chat is deleted", async () => {
    const store = await leaveWaiting();
    await bench.api().deleteSession(here.id);
    await bench.timers.advance(60_000);
    store.send("three");
    await bench.timers.advance(60_000);
    expect(stored()).toContain("three");
    expect(store.getSnapshot().pending).toMatchObject([{ content: "two", state: "failed" }]);
  });

  it("stands in nobody's way when the end of that answer was not told", async () => {
    const store = await leaveWaiting();
    bench.server.forgetCursors();
    bench.server.finish("Because.");
    bench.server.changeSession(here.id, { state: "expired", end_reason: "idle" });
    await bench.timers.advance(60_000);
    store.send("three");
    await bench.timers.advance(60_000);
    expect(stored()).toContain("three");
  });

  it("is asked for once in five seconds where the server is in trouble, however often the history changes", async () => {
    bench.server.streams.refusal = null;
    let asked = 0;
    const fetch: typeof globalThis.fetch = async (input, init) => {
      if (init?.method !== "GET" || !String(input).endsWith(`/sessions/${there.id}`)) {
        return bench.server.fetch(input, init);
      }
      asked += 1;
      return new Response("{}", { status: 503 });
    };
    await bench.openTab({ api: createApiClient({ baseUrl: "/chat", fetch, timers: bench.timers }) });
    await bench.api().sendMessage({ scope: "b", session: there.id, content: "Elsewhere", key: "phone-key-1" });
    await bench.timers.advance(1000);
    for (let change = 0; change < 5; change += 1) {
      const { session } = await bench.api().startSession({ scope: `c${change}` });
      await bench.api().deleteSession(session.id);
      await bench.timers.advance(1000);
    }
    asked = 0;
    await bench.timers.advance(20_000);
    expect(asked).toBe(4);
  });

  it.each([0, 2])(
    "goes on waiting, and the answer is announced, when another chat is deleted (%i lost)",
    async (lost) => {
      const other = bench.server.start("c", ["Else?", "Else."]);
      const store = await leaveWaiting();
      await bench.api().deleteSession(other.id);
      // Whether the one in which it waits is still there is not to be found out at once.
      bench.server.faults = Array.from({ length: lost }, () => ({}));
      await bench.timers.advance(60_000);
      expect(bench.server.faults).toEqual([]);
      expect(store.getSnapshot().pending).toMatchObject([{ content: "two", state: "queued", tried: false }]);
      expect(bench.server.count("POST", /^.messages/)).toBe(1);
      bench.server.finish("Because.");
      await bench.timers.advance(30_000);
      expect(store.getSnapshot().answeredElsewhere).toMatchObject({ id: here.id });
      expect(stored()).toContain("two");
    },
  );
});
