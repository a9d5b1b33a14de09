import { beforeEach, describe, expect, it } from "vitest";
import type { ChatStore } from "./chatStore.js";
import { ChatBench } from "./testing/chatBench.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
  bench.server.streams.refusal = null;
});

const last = (store: ChatStore) => store.getSnapshot().messages.at(-1);

async function ask() {
  const tab = await bench.openTab();
  tab.store.send("Why?");
  await bench.timers.advance(0);
  return tab;
}

async function askInVain() {
  const tab = await ask();
  bench.server.finish("Bec", "failed", "It did not work.");
  await bench.timers.advance(0);
  return tab;
}

describe("stopping", () => {
  it("keeps what was written, in every tab", async () => {
    const { store } = await ask();
    const other = await bench.openTab();
    bench.server.write("Bec");
    await bench.timers.advance(0);
    expect(await store.stop()).toBe(true);
    expect(last(store)).toMatchObject({ content: "Bec", state: "stopped" });
    expect(store.getSnapshot()).toMatchObject({ running: null, session: { running: false } });
    await bench.timers.advance(0);
    expect(last(other.store)).toMatchObject({ content: "Bec", state: "stopped" });
  });

  it("changes nothing when the answer was faster, or when there is none", async () => {
    const { store } = await bench.openTab();
    expect(await store.stop()).toBe(false);
    store.send("Why?");
    await bench.timers.advance(0);
    bench.server.holdAnswers();
    bench.server.finish("Because.");
    const stopped = store.stop();
    bench.server.release();
    await stopped;
    expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
  });

  it("that is refused says so", async () => {
    const { store } = await ask();
    bench.server.faults = [{ status: 403, body: '{"code":"csrf_failed","message":"No token.","field":null}' }];
    expect(await store.stop()).toBe(false);
    expect(store.getSnapshot()).toMatchObject({ running: "waiting", error: { code: "csrf_failed" } });
  });
});

describe("asking again", () => {
  it.each(["failed", "interrupted", "stopped"] as const)(
    "for a reply that was %s is one more attempt",
    async (state) => {
      const { store } = await ask();
      bench.server.finish("Bec", state);
      await bench.timers.advance(0);
      expect(await store.retryReply()).toBe(true);
      expect(last(store)).toMatchObject({ content: "", state: "pending", attempt: 2 });
      bench.server.finish("Because.");
      await bench.timers.advance(0);
      expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(["Why?", "Because."]);
    },
  );

  it("continues a session that has expired, in one go", async () => {
    const { store } = await askInVain();
    await bench.timers.advance(400_000);
    expect(store.getSnapshot().status).toBe("expired");
    expect(await store.retryReply()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ session: { state: "active" }, running: "waiting" });
    expect(bench.server.count("POST", /reopen/)).toBe(1);
  });

  it("continues one of which we do not know yet that it has ended", async () => {
    const { store } = await askInVain();
    bench.server.streams.isSilent = true;
    await bench.api().endSession(store.getSnapshot().session?.id ?? "");
    expect(store.getSnapshot().session?.state).toBe("active");
    expect(await store.retryReply()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ session: { state: "active" }, running: "waiting" });
  });

  it("attaches to the attempt that somebody else has begun", async () => {
    const { store } = await askInVain();
    bench.server.streams.isSilent = true;
    await bench.api().retryReply(store.getSnapshot().session?.id ?? "");
    bench.server.write("Because");
    expect(await store.retryReply()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ running: "writing", error: null });
    expect(last(store)).toMatchObject({ content: "Because", attempt: 2 });
  });

  it.each(["retryReply", "stop"] as const)("by %s shows what was asked elsewhere meanwhile, too", async (verb) => {
    const { store } = await askInVain();
    bench.server.streams.isSilent = true;
    await bench.api().sendMessage({ content: "From a phone", key: "phone-key" });
    expect(await store[verb]()).toBe(true);
    expect(
      store
        .getSnapshot()
        .messages.map(({ role, content }) => [role, content])
        .slice(2),
    ).toEqual([
      ["user", "From a phone"],
      ["assistant", ""],
    ]);
  });

  it("shows the answer that somebody else has got already", async () => {
    const { store } = await askInVain();
    bench.server.streams.isSilent = true;
    bench.server.beginAnew();
    bench.server.finish("Because.");
    await store.retryReply();
    expect(store.getSnapshot()).toMatchObject({ running: null, error: null });
    expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
  });

  it("that fails says why, and nothing changes", async () => {
    const { store } = await bench.openTab();
    expect(await store.retryReply()).toBe(false);
    store.send("Why?");
    await bench.timers.advance(0);
    bench.server.finish("", "failed");
    await bench.timers.advance(400_000);
    bench.server.faults = [{ status: 403, body: '{"code":"csrf_failed","message":"No token.","field":null}' }];
    expect(await store.retryReply()).toBe(false);
    expect(store.getSnapshot()).toMatchObject({ status: "expired", error: { code: "csrf_failed" } });
  });
});

describe("an answer that has been seen", () => {
  const reports = () => bench.server.count("POST", /read$/);

  it("is reported once, and is read at once here", async () => {
    const { store } = await ask();
    const unread: unknown[] = [];
    store.subscribe(() => unread.push(store.getSnapshot().session?.unread));
    bench.server.finish("Because.");
    await bench.timers.advance(0);
    expect(store.getSnapshot().session?.unread).toBe(false);
    expect(unread).not.toContain(true);
    await bench.timers.advance(60_000);
    expect(reports()).toBe(1);
    expect(bench.server.sessions[0]?.unread).toBe(false);
  });

  it("is not reported again because older news still call it unread", async () => {
    const { store } = await ask();
    bench.server.finish("Because.");
    await bench.timers.advance(0);
    const { id = "" } = store.getSnapshot().session ?? {};
    bench.server.changeSession(id, { unread: true });
    await bench.api().changeSession(id, { title: "Water" });
    await bench.timers.advance(0);
    expect(store.getSnapshot().session).toMatchObject({ title: "Water", unread: false });
    expect(reports()).toBe(1);
  });

  it("waits for somebody to look", async () => {
    const { store, page } = await ask();
    page.signal("hidden");
    bench.server.finish("Because.");
    await bench.timers.advance(10_000);
    expect([reports(), store.getSnapshot().session?.unread]).toEqual([0, true]);
    page.signal("visible");
    await bench.timers.advance(0);
    expect([reports(), store.getSnapshot().session?.unread]).toEqual([1, false]);
  });

  it("is reported again when the report was lost, with the next occasion and no sooner", async () => {
    const { page } = await ask();
    bench.server.faults = [{ status: 503 }];
    bench.server.finish("Because.");
    await bench.timers.advance(60_000);
    expect(reports()).toBe(1);
    page.signal("visible");
    await bench.timers.advance(0);
    expect(reports()).toBe(2);
    expect(bench.server.sessions[0]?.unread).toBe(false);
  });

  it("may be in an older session", async () => {
    const old = bench.server.start("", ["Old", "Older"]);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user", unread: true });
    const { store } = await bench.openTab();
    await store.open(old.id);
    await bench.timers.advance(0);
    expect(bench.server.find(old.id)?.unread).toBe(false);
  });
});
