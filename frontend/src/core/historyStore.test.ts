import { beforeEach, describe, expect, it } from "vitest";
import { createHistoryStore } from "./historyStore.js";
import type { UpdatesListener } from "./liveUpdates.js";
import { newsRules } from "./news.js";
import { createTabChannel } from "./tabChannel.js";
import { ChatBench, FakePage } from "./testing/chatBench.js";
import { settle } from "./testing/fakeTimers.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

async function openHistory(options: { scope?: string | null; limit?: number } = {}) {
  const page = new FakePage();
  const tabs = createTabChannel(bench.browser.channel);
  const updates = bench.updates(page);
  const history = createHistoryStore({ api: bench.api(), page, tabs, updates, scope: "", ...options });
  const disconnect = history.connect();
  await settle();
  return { history, page, disconnect };
}

async function conversations(count: number, scope = "") {
  for (let index = 1; index <= count; index += 1) {
    const session = bench.server.start(scope, [`Question ${index}`]);
    bench.server.changeSession(session.id, { title: `Chat ${index}`, state: "ended" });
    await bench.timers.advance(1000);
  }
}

const titles = (history: ReturnType<typeof createHistoryStore>) =>
  history.getSnapshot().sessions.map(({ title }) => title);

it("lists the latest first, in one request, and more on demand", async () => {
  await conversations(5);
  const { history } = await openHistory({ limit: 2 });
  expect(titles(history)).toEqual(["Chat 5", "Chat 4"]);
  await Promise.all([history.loadMore(), history.loadMore()]);
  expect(titles(history)).toEqual(["Chat 5", "Chat 4", "Chat 3", "Chat 2"]);
  await history.loadMore();
  await history.loadMore();
  expect(history.getSnapshot()).toMatchObject({ hasMore: false, loadingMore: false });
  expect(titles(history)).toHaveLength(5);
  expect(bench.server.seen).toHaveLength(3);
});

it("keeps to its scope, or shows all", async () => {
  await conversations(1, "subject:1");
  await conversations(2, "subject:2");
  expect(titles((await openHistory({ scope: "subject:1" })).history)).toHaveLength(1);
  expect(titles((await openHistory({ scope: null })).history)).toHaveLength(3);
});

it("puts a new session on top when a tab sends, and keeps the pages below", async () => {
  await conversations(4);
  const { history } = await openHistory({ limit: 2 });
  await history.loadMore();
  const { store } = await bench.openTab();
  store.send("Newest");
  await bench.timers.advance(0);
  expect(titles(history)).toEqual(["Newest", "Chat 4", "Chat 2", "Chat 1"].toSpliced(2, 0, "Chat 3"));
  expect(history.getSnapshot().hasMore).toBe(false);
});

it("drops what was deleted elsewhere", async () => {
  await conversations(3);
  const { history, page } = await openHistory();
  bench.server.sessions = bench.server.sessions.filter(({ title }) => title !== "Chat 2");
  page.signal("hidden");
  await settle();
  expect(titles(history)).toHaveLength(3);
  page.signal("visible");
  await settle();
  expect(titles(history)).toEqual(["Chat 3", "Chat 1"]);
});

it("is empty, not failed, when there is nothing", async () => {
  const { history } = await openHistory();
  expect(history.getSnapshot()).toMatchObject({ status: "ready", sessions: [], error: null });
});

it("says when it could not be loaded, and recovers", async () => {
  bench.server.offline = true;
  const { history } = await openHistory();
  expect(history.getSnapshot()).toMatchObject({ status: "failed", error: { code: "network" } });
  bench.server.offline = false;
  await history.refresh();
  expect(history.getSnapshot()).toMatchObject({ status: "ready", error: null });
});

it("a failed page is not the end of the list", async () => {
  await conversations(3);
  const { history } = await openHistory({ limit: 2 });
  bench.server.faults = [{}];
  await history.loadMore();
  expect(history.getSnapshot()).toMatchObject({ status: "ready", hasMore: true, error: { code: "network" } });
  bench.server.faults = [{}];
  await history.refresh();
  expect(history.getSnapshot()).toMatchObject({ status: "ready" });
  expect(titles(history)).toEqual(["Chat 3", "Chat 2"]);
});

it("renames at once, and takes it back when the server refuses", async () => {
  await conversations(1);
  const { history } = await openHistory();
  const { id } = history.getSnapshot().sessions[0] ?? { id: "" };
  const renamed = history.rename(id, "Better");
  expect(titles(history)).toEqual(["Better"]);
  expect(await renamed).toBe(true);
  expect(bench.server.find(id)?.title).toBe("Better");
  bench.server.faults = [{ status: 400, body: '{"code":"too_long","message":"Too long.","field":"title"}' }];
  expect(await history.rename(id, "x".repeat(300))).toBe(false);
  expect(titles(history)).toEqual(["Better"]);
  expect(history.getSnapshot().error).toMatchObject({ message: "Too long." });
});

it("removes, and tells the chat that showed it", async () => {
  const session = bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab();
  const { history } = await openHistory();
  expect(await history.remove(session.id)).toBe(true);
  await bench.timers.advance(0);
  expect(titles(history)).toEqual([]);
  expect(store.getSnapshot()).toMatchObject({ session: null, entries: [] });
  expect(await history.remove("nobody")).toBe(false);
});

it("reads once more when asked while reading, and shares one connection", async () => {
  const { history, disconnect } = await openHistory();
  const second = history.connect();
  bench.server.hold();
  void history.refresh();
  void history.refresh();
  void history.refresh();
  bench.server.release();
  await settle();
  await settle();
  expect(bench.server.seen).toHaveLength(3);
  second();
  second();
  disconnect();
  const { store } = await bench.openTab();
  store.send("Nobody listens");
  await bench.timers.advance(0);
  expect(bench.server.count("GET", /^\/sessions\?/)).toBe(3);
});

describe("news", () => {
  const lists = () => bench.server.count("GET", /^\/sessions\?/);

  it("change the rows and their order without another request", async () => {
    bench.server.streams.refusal = null;
    const old = bench.server.start("a", ["Old"]);
    await bench.timers.advance(1000);
    bench.server.start("b", ["New"]);
    const { history } = await openHistory({ scope: null });
    await bench.timers.advance(0);
    const before = history.getSnapshot().sessions;
    await bench.timers.advance(1000);
    await bench.api().sendMessage({ scope: "a", session: old.id, content: "Again", key: "phone-key-1" });
    await bench.timers.advance(0);
    const [first, second] = history.getSnapshot().sessions;
    expect(first).toMatchObject({ id: old.id, preview: "", running: true, message_count: 3 });
    expect(second).toBe(before[0]);
    bench.server.finish("Indeed.");
    await bench.timers.advance(0);
    expect(history.getSnapshot().sessions[0]).toMatchObject({ unread: true, preview: "Indeed.", running: false });
    expect(lists()).toBe(1);
  });

  it("of new, renamed and deleted sessions list them again", async () => {
    bench.server.streams.refusal = null;
    await conversations(2);
    const { history } = await openHistory();
    await bench.timers.advance(0);
    const api = bench.api();
    const { session } = await api.startSession({});
    await bench.timers.advance(0);
    expect(history.getSnapshot().sessions).toHaveLength(3);
    await api.changeSession(bench.server.sessions[0]?.id ?? "", { title: "Renamed" });
    await bench.timers.advance(0);
    expect(titles(history)).toContain("Renamed");
    await api.deleteSession(session.id);
    await bench.timers.advance(0);
    expect(history.getSnapshot().sessions).toHaveLength(2);
    expect(lists()).toBe(4);
  });

  it("of other scopes, and of pages that are not loaded, change nothing", async () => {
    bench.server.streams.refusal = null;
    for (const scope of ["a", "b", "c"]) {
      bench.server.start(scope, [scope]);
      await bench.timers.advance(1000);
    }
    await openHistory({ scope: "a" });
    await openHistory({ scope: null, limit: 2 });
    await bench.timers.advance(0);
    await bench.api().touchSession(bench.server.sessions[0]?.id ?? "");
    await bench.api().touchSession(bench.server.sessions[1]?.id ?? "");
    await bench.timers.advance(0);
    expect(lists()).toBe(2);
  });

  it("that come while the list is read are put on top of it", async () => {
    const page = new FakePage();
    const session = bench.server.start("", ["Why?"]);
    let listener: UpdatesListener | undefined;
    const join = (given: UpdatesListener) => {
      listener = given;
      return { await: () => {}, renew: () => {}, leave: () => {} };
    };
    const tabs = createTabChannel(bench.browser.channel);
    const history = createHistoryStore({ api: bench.api(), page, tabs, updates: { join } });
    bench.server.holdAnswers();
    history.connect();
    await settle();
    const row = { ...session, message_count: 2, preview: "Because." };
    const rest = { cursor: "c", messages: [], deltas: [], history_changed: false, server_time: "", isWhole: true };
    listener?.news({ ...rest, sessions: [row] }, newsRules);
    bench.server.release();
    await settle();
    expect(history.getSnapshot().sessions).toEqual([row]);
    listener?.news({ ...rest, sessions: [session] }, newsRules);
    expect(history.getSnapshot().sessions).toEqual([row]);
    listener?.news({ ...rest, sessions: [] }, newsRules);
    await settle();
    expect(lists()).toBe(2);
  });
});
