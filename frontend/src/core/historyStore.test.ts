import { beforeEach, describe, expect, it } from "vitest";
import { createHistoryStore, type HistoryStoreOptions } from "./historyStore.js";
import type { UpdatesListener } from "./liveUpdates.js";
import { newsRules } from "./newsRules.js";
import { createTabChannel } from "./tabChannel.js";
import { ChatBench, FakePage } from "./testing/chatBench.js";
import { settle } from "./testing/fakeTimers.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

async function openHistory(options: Partial<HistoryStoreOptions> = {}) {
  const page = new FakePage();
  const tabs = createTabChannel(bench.browser.channel);
  const updates = bench.updates(page);
  const { timers } = bench;
  const history = createHistoryStore({ api: bench.api(), page, tabs, updates, timers, scope: "", ...options });
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

it("takes what a chat on its page was told of a session that it lists, and asks nothing for that", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { history } = await openHistory();
  const { store } = await bench.openTab();
  await bench.timers.advance(5000);
  const before = bench.server.count("GET", /./);
  store.send("And then?");
  await bench.timers.advance(0);
  expect(history.getSnapshot().sessions[0]).toMatchObject({ message_count: 4, running: true });
  expect(bench.server.count("GET", /./)).toBe(before);
});

it("shows as read at once what the chat on its page has shown", async () => {
  const { id } = bench.server.start("", ["Why?", "Because."]);
  bench.server.changeSession(id, { unread: true });
  const tabs = createTabChannel(null);
  const { history } = await openHistory({ tabs });
  expect(history.getSnapshot().sessions[0]?.unread).toBe(true);
  await bench.openTab({ tabs });
  await bench.timers.advance(300);
  expect(history.getSnapshot().sessions[0]?.unread).toBe(false);
});

it("asks for nothing more once it has left the page", async () => {
  const { page, disconnect } = await openHistory();
  disconnect();
  const before = bench.server.seen.length;
  page.signal("visible");
  await bench.timers.advance(1000);
  expect(bench.server.seen).toHaveLength(before);
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

describe("a list that is read again though nobody asked", () => {
  it("fails in silence, and is tried again until it comes", async () => {
    await conversations(1);
    const { history, page } = await openHistory();
    bench.server.offline = true;
    page.signal("visible");
    await settle();
    expect(history.getSnapshot()).toMatchObject({ status: "ready", error: null });
    await bench.timers.advance(5000);
    expect(history.getSnapshot().error).toBeNull();
    bench.server.offline = false;
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { title: "Elsewhere" });
    await bench.timers.advance(30_000);
    expect(titles(history)).toEqual(["Elsewhere"]);
  });

  it("leaves what the reader can try again as it was", async () => {
    await conversations(1);
    const { history, page } = await openHistory();
    bench.server.offline = true;
    expect(await history.rename(bench.server.sessions[0]?.id ?? "", "Better")).toBe(false);
    page.signal("visible");
    await settle();
    expect(history.getSnapshot().error).toMatchObject({ code: "network" });
    bench.server.offline = false;
    history.retry();
    await settle();
    expect(titles(history)).toEqual(["Better"]);
  });

  it("says that it failed when the reader asks meanwhile, or the server refuses", async () => {
    await conversations(1);
    const { history, page } = await openHistory();
    bench.server.faults = [{ status: 403, body: '{"code":"forbidden","message":"Not you.","field":null}' }];
    page.signal("visible");
    await settle();
    expect(history.getSnapshot().error).toMatchObject({ message: "Not you." });
    await history.refresh();
    expect(history.getSnapshot().error).toBeNull();
    bench.server.offline = true;
    page.signal("visible");
    await history.refresh();
    expect(history.getSnapshot()).toMatchObject({ status: "ready", error: { code: "network" } });
  });

  it("is asked for once in the time that a busy server has asked for, whatever else is heard", async () => {
    await conversations(1);
    const { history, page } = await openHistory();
    const { id } = bench.server.sessions[0] ?? { id: "" };
    const lists = () => bench.server.count("GET", /sessions\/?(\?|$)/);
    bench.server.faults = [{ status: 503, retryAfter: "60" }];
    page.signal("visible");
    page.signal("visible"); // while it is read
    await settle();
    expect(lists()).toBe(2);
    page.signal("visible");
    createTabChannel(bench.browser.channel)
      .join(() => {})
      .tell({ scope: "", session: id, isDeleted: false });
    await bench.timers.advance(59_000);
    expect(lists()).toBe(2);
    await bench.timers.advance(2000);
    expect(lists()).toBe(3);
    bench.server.faults = [{ status: 503, retryAfter: "60" }];
    page.signal("visible");
    await settle();
    await history.refresh();
    page.signal("visible");
    await settle();
    expect(lists()).toBe(6);
  });

  it("is not tried again when nobody looks any more", async () => {
    await conversations(1);
    const { history, page, disconnect } = await openHistory();
    const lists = () => bench.server.count("GET", /sessions\/?(\?|$)/);
    bench.server.offline = true;
    page.signal("visible");
    disconnect();
    await settle();
    const before = lists();
    await bench.timers.advance(60_000);
    expect(lists()).toBe(before);
    expect(history.getSnapshot().error).toBeNull();
  });
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

describe("what people do with a row", () => {
  const idOf = (title: string) => bench.server.sessions.find((session) => session.title === title)?.id ?? "";

  it("pins it above all others, and lets it go back", async () => {
    await conversations(3);
    const { history } = await openHistory();
    const pinned = history.pin(idOf("Chat 1"), true);
    expect(titles(history)).toEqual(["Chat 1", "Chat 3", "Chat 2"]);
    expect(await pinned).toBe(true);
    await history.refresh();
    expect(titles(history)).toEqual(["Chat 1", "Chat 3", "Chat 2"]);
    await history.pin(idOf("Chat 1"), false);
    expect(titles(history)).toEqual(["Chat 3", "Chat 2", "Chat 1"]);
    expect(bench.server.sessions.every(({ pinned_at }) => pinned_at === null)).toBe(true);
  });

  it("archives it into a list of its own, and takes it back", async () => {
    await conversations(2);
    const { history } = await openHistory();
    const away = history.archived();
    expect(away).toBe(history.archived());
    away.connect();
    await settle();
    expect(away.getSnapshot()).toMatchObject({ status: "ready", sessions: [] });
    const archived = history.archive(idOf("Chat 1"), true);
    expect(titles(history)).toEqual(["Chat 2"]);
    await archived;
    await settle();
    expect(titles(away)).toEqual(["Chat 1"]);
    const back = away.archive(idOf("Chat 1"), false);
    expect(titles(away)).toEqual([]);
    await back;
    await settle();
    expect(titles(history)).toEqual(["Chat 2", "Chat 1"]);
  });

  it("leaves what is being restored in the list, although a list that was read meanwhile lacks it", async () => {
    await conversations(2);
    const { history, page } = await openHistory();
    const [, row] = history.getSnapshot().sessions;
    await history.remove(row?.id ?? "");
    bench.server.hold();
    const restored = history.restore(row?.id ?? "", row);
    await settle();
    const restoring = bench.server.setAside();
    page.signal("visible");
    await settle();
    expect(titles(history)).toEqual(["Chat 2", "Chat 1"]);
    restoring();
    expect(await restored).toBe(true);
    expect(titles(history)).toEqual(["Chat 2", "Chat 1"]);
  });

  it("restores what was removed, at once when it is still known", async () => {
    await conversations(2);
    const { history } = await openHistory();
    const row = history.getSnapshot().sessions[0];
    const id = row?.id ?? "";
    const removed = history.remove(id);
    const restored = history.restore(id, row);
    expect(titles(history)).toEqual(["Chat 2", "Chat 1"]);
    expect(await removed).toBe(true);
    expect(await restored).toBe(true);
    expect(titles(history)).toEqual(["Chat 2", "Chat 1"]);
    expect(bench.server.seen.slice(-2).map(({ method }) => method)).toEqual(["DELETE", "POST"]);
    await history.remove(id);
    expect(titles(history)).toEqual(["Chat 1"]);
    await history.restore(id);
    expect(titles(history)).toEqual(["Chat 2", "Chat 1"]);
    await history.remove(id);
    await bench.timers.advance(86_400_000);
    expect(await history.restore(id, row)).toBe(false);
    expect(titles(history)).toEqual(["Chat 1"]);
  });

  it("takes back only what failed, on that row alone", async () => {
    await conversations(3);
    const { history } = await openHistory();
    bench.server.faults = [{}];
    bench.server.hold();
    const failing = history.rename(idOf("Chat 3"), "Lost");
    const pinned = history.pin(idOf("Chat 3"), true);
    const renamed = history.rename(idOf("Chat 1"), "Kept");
    expect(titles(history)).toEqual(["Lost", "Chat 2", "Kept"]);
    await settle();
    // The second goes when the first is answered, so that they cannot overtake each other.
    expect(bench.server.count("PATCH", /./)).toBe(1);
    bench.server.release();
    expect(await Promise.all([failing, pinned, renamed])).toEqual([false, true, true]);
    expect(titles(history)).toEqual(["Chat 3", "Chat 2", "Kept"]);
    expect(history.getSnapshot().sessions[0]?.pinned_at).not.toBeNull();
    expect(history.getSnapshot().error).toMatchObject({ code: "network" });
    history.retry();
    await settle();
    expect(titles(history)).toEqual(["Lost", "Chat 2", "Kept"]);
    expect(history.getSnapshot().error).toBeNull();
  });

  it("is not undone by a list that was asked for before", async () => {
    await conversations(3);
    let gate = Promise.resolve();
    const api = bench.api();
    const listSessions: typeof api.listSessions = async (options) => {
      const page = await api.listSessions(options);
      await gate;
      return page;
    };
    const { history } = await openHistory({ api: { ...api, listSessions } });
    let open = () => {};
    gate = new Promise((resolve) => {
      open = resolve;
    });
    const refreshed = history.refresh();
    await settle();
    await Promise.all([history.rename(idOf("Chat 1"), "New"), history.remove(idOf("Chat 2"))]);
    open();
    await refreshed;
    expect(titles(history)).toEqual(["Chat 3", "New"]);
  });

  it("reads the list again when somebody else was first", async () => {
    await conversations(2);
    const { history } = await openHistory();
    const id = idOf("Chat 1");
    bench.server.sessions = bench.server.sessions.filter((session) => session.id !== id);
    expect(await history.rename(id, "Late")).toBe(false);
    await settle();
    expect(titles(history)).toEqual(["Chat 2"]);
    expect(history.getSnapshot().error).toMatchObject({ code: "not_found" });
  });

  it("changes no other row, and nothing at all when nothing changes", async () => {
    await conversations(3);
    const { history, page } = await openHistory();
    const before = history.getSnapshot();
    let changes = 0;
    history.subscribe(() => {
      changes += 1;
    });
    page.signal("visible");
    await settle();
    expect(changes).toBe(0);
    expect(history.getSnapshot()).toBe(before);
    await history.rename(idOf("Chat 2"), "Salt");
    const after = history.getSnapshot().sessions;
    expect(after.map((row, at) => row === before.sessions[at])).toEqual([true, false, true]);
  });
});

describe("a search", () => {
  const searches = () => bench.server.count("GET", /^\/sessions\/search/);
  const found = (history: ReturnType<typeof createHistoryStore>) =>
    history.getSnapshot().found.map(({ title }) => title);

  it("filters at once what is loaded, and asks the server when the typing ends", async () => {
    await conversations(4);
    const { history } = await openHistory({ limit: 2 });
    for (const query of ["c", "ch", "chat 3"]) {
      history.setQuery(query);
      await bench.timers.advance(200);
    }
    expect(found(history)).toEqual(["Chat 3"]);
    history.setQuery(' 3  "CHAT');
    expect(found(history)).toEqual(["Chat 3"]);
    history.setQuery('"3 chat"');
    expect(found(history)).toEqual([]);
    history.setQuery('"chat 3"');
    expect(found(history)).toEqual(["Chat 3"]);
    expect(history.getSnapshot().search).toBe("asking");
    expect(searches()).toBe(0);
    history.setQuery("question 1");
    expect(found(history)).toEqual([]);
    await bench.timers.advance(220);
    expect(found(history)).toEqual(["Chat 1"]);
    expect([...history.getSnapshot().excerpts.values()]).toEqual(["Question 1"]);
    expect(history.getSnapshot().search).toBe("all");
    expect(searches()).toBe(1);
    expect(titles(history)).toEqual(["Chat 4", "Chat 3"]);
    history.setQuery("  ");
    await bench.timers.advance(500);
    expect(history.getSnapshot()).toMatchObject({ search: "all", found: history.getSnapshot().sessions });
    expect(searches()).toBe(1);
  });

  it("drops the answer to what is no longer asked", async () => {
    await conversations(2);
    const { history } = await openHistory({ limit: 1 });
    bench.server.hold();
    history.setQuery("question 1");
    await bench.timers.advance(220);
    history.setQuery("nothing like it");
    bench.server.release();
    await settle();
    expect(found(history)).toEqual([]);
    expect(history.getSnapshot().search).toBe("asking");
  });

  it("keeps to the scope, and finds archived ones", async () => {
    await conversations(1, "a");
    await conversations(1, "b");
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { archived_at: "2026-11-22T12:00:00.000000Z" });
    const { history } = await openHistory({ scope: "a" });
    history.setQuery("question");
    await bench.timers.advance(220);
    expect(found(history)).toEqual(["Chat 1"]);
    expect(titles(history)).toEqual([]);
  });

  it("says when the answer is not complete", async () => {
    await conversations(31);
    const { history } = await openHistory({ limit: 5 });
    history.setQuery("question");
    await bench.timers.advance(220);
    expect(history.getSnapshot()).toMatchObject({ search: "some" });
    expect(found(history)).toHaveLength(30);
  });

  it("that fails keeps what was found here, and is tried again", async () => {
    await conversations(3);
    const { history } = await openHistory({ limit: 2 });
    bench.server.faults = [{ status: 503 }];
    history.setQuery("question");
    await bench.timers.advance(220);
    expect(history.getSnapshot()).toMatchObject({ search: "some", error: { code: "network" } });
    expect(found(history)).toEqual(["Chat 3", "Chat 2"]);
    history.retry();
    await settle();
    expect(history.getSnapshot()).toMatchObject({ search: "all", error: null });
    expect(found(history)).toHaveLength(3);
  });

  it("is asked again by itself when the connection is back, if it is still wanted", async () => {
    await conversations(3);
    const { history, page } = await openHistory({ limit: 2 });
    const fail = async () => {
      bench.server.offline = true;
      history.setQuery("question");
      await bench.timers.advance(220);
      expect(history.getSnapshot()).toMatchObject({ search: "some", error: { code: "network" } });
      bench.server.offline = false;
    };
    await fail();
    page.signal("online");
    await settle();
    expect(history.getSnapshot()).toMatchObject({ search: "all", error: null });
    expect(found(history)).toHaveLength(3);
    await fail();
    history.setQuery("");
    const before = searches();
    page.signal("online");
    await settle();
    expect(searches()).toBe(before);
  });

  it("shows what is done to a row it has found", async () => {
    await conversations(3);
    const { history } = await openHistory({ limit: 1 });
    const id = bench.server.sessions[0]?.id ?? "";
    history.setQuery("question 1");
    await bench.timers.advance(220);
    await history.rename(id, "Better");
    expect(found(history)).toEqual(["Better"]);
    await history.remove(id);
    expect(found(history)).toEqual([]);
  });

  it("ends when nobody looks", async () => {
    const { history, disconnect } = await openHistory();
    history.setQuery("question");
    disconnect();
    await bench.timers.advance(500);
    expect(history.getSnapshot().query).toBe("");
    expect(searches()).toBe(0);
  });
});

it("an empty page at the end leaves the list as it is", async () => {
  await conversations(3);
  const { history } = await openHistory({ limit: 2 });
  bench.server.sessions = bench.server.sessions.slice(1);
  await history.loadMore();
  expect(titles(history)).toEqual(["Chat 3", "Chat 2"]);
  expect(history.getSnapshot()).toMatchObject({ hasMore: false, error: null });
});

it("drops what was deleted elsewhere on a later page", async () => {
  await conversations(5);
  const { history, page } = await openHistory({ limit: 2 });
  await history.loadMore();
  bench.server.sessions = bench.server.sessions.filter(({ title }) => title !== "Chat 2");
  page.signal("visible");
  await settle();
  expect(titles(history)).toEqual(["Chat 5", "Chat 4", "Chat 3", "Chat 1"]);
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

  it("that are older than an answer do not leave what it says", async () => {
    bench.server.streams.refusal = null;
    const { history } = await openHistory();
    const { session } = await bench.api().sendMessage({ content: "Why?", key: "phone-key-1" });
    await bench.timers.advance(1000);
    expect(history.getSnapshot().sessions[0]).toMatchObject({ running: true });
    bench.server.holdAnswers();
    const renamed = history.rename(session.id, "Ice");
    await bench.timers.advance(1000);
    bench.server.finish("Because.");
    await bench.timers.advance(1000);
    bench.server.release();
    await renamed;
    await bench.timers.advance(1000);
    expect(history.getSnapshot().sessions[0]).toMatchObject({ title: "Ice", running: false });
  });

  it("of a tab that continues another chat end the one that was open", async () => {
    await conversations(1);
    const open = bench.server.start("", ["Open?"]);
    const { history } = await openHistory();
    const { store } = await bench.openTab();
    const [old] = bench.server.sessions.filter(({ id }) => id !== open.id);
    const { length } = bench.server.seen;
    await store.reopen(old?.id ?? "");
    await settle();
    const states = Object.fromEntries(history.getSnapshot().sessions.map(({ id, state }) => [id, state]));
    expect(states).toEqual({ [open.id]: "ended", [old?.id ?? ""]: "active" });
    expect(bench.server.seen.slice(length).filter(({ path }) => path.startsWith("/sessions?"))).toEqual([]);
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

describe("what a search found", () => {
  it("is not spoiled by one that failed and was cleared", async () => {
    await conversations(1);
    const { history } = await openHistory();
    history.setQuery("chat");
    bench.server.faults = [{ status: 503 }];
    await bench.timers.advance(300);
    expect(history.getSnapshot().error).not.toBeNull();
    history.setQuery("");
    expect(history.getSnapshot().error).toBeNull();
  });

  it("has an archived chat at its day, pinned or not", async () => {
    await conversations(2);
    const [first] = bench.server.sessions;
    const pinned_at = new Date(bench.timers.now()).toISOString();
    bench.server.changeSession(first?.id ?? "", { pinned_at, archived_at: pinned_at });
    const { history } = await openHistory();
    history.setQuery("chat");
    await bench.timers.advance(300);
    expect(history.getSnapshot().found.map(({ title }) => title)).toEqual(["Chat 2", "Chat 1"]);
  });

  it("and is renamed stays where it belongs: further down than what is shown", async () => {
    await conversations(9);
    const { history, page } = await openHistory({ limit: 3 });
    history.setQuery("Chat 1");
    await bench.timers.advance(300);
    await history.rename(history.getSnapshot().found[0]?.id ?? "", "Renamed");
    history.setQuery("");
    page.signal("visible");
    await bench.timers.advance(300);
    expect(titles(history)).toEqual(["Chat 9", "Chat 8", "Chat 7"]);
    await history.loadMore();
    await history.loadMore();
    expect(titles(history).at(-1)).toBe("Renamed");
  });
});

describe("a list that would differ from the server's", () => {
  it("is whole when a row was renamed before it could be read at first", async () => {
    await conversations(4);
    const [first] = bench.server.sessions;
    bench.server.faults = [{}];
    const { history } = await openHistory({ limit: 2 });
    await history.rename(first?.id ?? "", "Renamed");
    await history.refresh();
    await history.loadMore();
    expect(titles(history)).toEqual(["Chat 4", "Chat 3", "Chat 2", "Renamed"]);
  });

  it("is read again when a change did not succeed, for its row may be gone", async () => {
    await conversations(2);
    const [first] = bench.server.sessions;
    const { history } = await openHistory();
    bench.server.hold();
    const pinning = history.pin(first?.id ?? "", true);
    await settle();
    const fail = bench.server.setAside();
    await bench.api().deleteSession(first?.id ?? "");
    await history.refresh();
    bench.server.faults = [{}];
    fail();
    await pinning;
    await settle();
    expect(titles(history)).toEqual(["Chat 2"]);
  });

  it("is read again when a chat on its page tells of a name that is older", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const tabs = createTabChannel(null);
    const { history } = await openHistory({ tabs });
    const [row] = history.getSnapshot().sessions;
    if (row === undefined) throw new Error("It lists nothing.");
    bench.server.changeSession(row.id, { title: "Newer" });
    await history.refresh();
    const arrival = { status: "resumed", reason: "open", previous: null } as const;
    tabs
      .join(() => {})
      .tell({
        scope: "",
        session: row.id,
        answer: { reader: "visitor", session: { ...row, title: "Older" }, arrival },
      });
    await settle();
    expect(titles(history)).toEqual(["Newer"]);
  });

  it("is read again when a change was answered so late that its session is over since", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { history } = await openHistory();
    const [row] = history.getSnapshot().sessions;
    bench.server.holdAnswers();
    const pinning = history.pin(row?.id ?? "", true);
    await settle();
    const answer = bench.server.setAside();
    await bench.api().endSession(row?.id ?? "");
    await history.refresh();
    answer();
    await pinning;
    await settle();
    expect(history.getSnapshot().sessions).toMatchObject([{ state: "ended" }]);
  });
});
