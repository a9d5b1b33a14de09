import { beforeEach, describe, expect, it } from "vitest";
import type { ChatStore } from "./chatStore.js";
import { ApiError } from "./errors.js";
import { createJsonStorage } from "./jsonStorage.js";
import { createOutbox } from "./outbox.js";
import { ChatBench, type TabOptions } from "./testing/chatBench.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

const sent = () => bench.server.seen.filter(({ path }) => path === "/messages").map(({ body }) => body?.content);
const stored = () => bench.server.messages.filter(({ role }) => role === "user").map(({ content }) => content);
const rows = (store: ChatStore) =>
  store
    .getSnapshot()
    .entries.map(({ kind }) => kind)
    .join(" ");
const inStorage = () => [...bench.browser.storage.values.keys()].filter((name) => name.includes("outbox"));

/** A tab whose messages do not reach the server. */
async function cutOff(options: TabOptions, ...texts: string[]) {
  const tab = await bench.openTab(options);
  bench.server.offline = true;
  for (const text of texts) tab.store.send(text);
  await bench.timers.advance(100);
  return tab;
}

/** A message in the storage whose session is no longer the one that the server speaks of. */
async function leaveBehind(text: string) {
  bench.server.start("", ["Before", "Indeed."]);
  const first = await cutOff({}, text);
  first.disconnect();
  bench.server.offline = false;
  await bench.api().startSession({});
  await bench.api().startSession({});
  await bench.api().sendMessage({ content: "Elsewhere", key: "phone-key" });
}

/** A message in the storage whose chat was deleted while it waited, which its tab has said. */
async function deleteItsChat(text: string) {
  const { id } = bench.server.start("", ["Before", "Indeed."]);
  const first = await cutOff({}, text);
  bench.server.offline = false;
  await bench.api().deleteSession(id);
  await bench.timers.advance(60_000);
  expect(first.store.getSnapshot().pending).toMatchObject([{ content: text, state: "failed" }]);
  first.disconnect();
}

describe("a message that was not sent", () => {
  it.each([{ owner: "7" }, {}])("is sent after a reload, once, with its key (%o)", async (options) => {
    const first = await cutOff(options, "Why?");
    const key = first.store.getSnapshot().pending[0]?.key;
    first.disconnect();
    bench.server.offline = false;
    const { store } = await bench.openTab(options);
    expect(stored()).toEqual(["Why?"]);
    expect(store.getSnapshot()).toMatchObject({ pending: [], messages: [{ content: "Why?" }, {}] });
    expect(store.getSnapshot().entries[0]?.key).toBe(key);
    expect(inStorage()).toEqual([]);
  });

  it("is there for whoever is signed in even before the server can be reached", async () => {
    const first = await cutOff({ owner: "7" }, "Why?", "And why not?");
    first.disconnect();
    const { store } = await bench.openTab({ owner: "7" });
    expect(store.getSnapshot().pending.map(({ content }) => content)).toEqual(["Why?", "And why not?"]);
    bench.server.offline = false;
    bench.server.replies = false;
    await bench.timers.advance(30_000);
    expect(stored()).toEqual(["Why?", "And why not?"]);
  });

  it("that the server has already is not shown twice, nor stored", async () => {
    const first = await bench.openTab({ owner: "7" });
    bench.server.faults = [{ afterwards: true }];
    first.store.send("Why?");
    await bench.timers.advance(0);
    first.disconnect();
    const api = bench.api();
    const sendMessage: typeof api.sendMessage = async (body) => {
      await bench.timers.advance(1000);
      return api.sendMessage(body);
    };
    const { store } = bench.tab({ owner: "7", api: { ...api, sendMessage } });
    const shown = new Set<string>();
    store.subscribe(() => shown.add(rows(store)));
    // The transcript is there before the server has said that it knows the message.
    await bench.timers.advance(0);
    expect([...shown]).toContain("message message");
    expect([...shown].filter((kinds) => /message.*pending/.test(kinds))).toEqual([]);
    expect(rows(store)).toBe("message message");
    expect([stored(), store.getSnapshot().pending]).toEqual([["Why?"], []]);
  });

  it("that is taken over does not keep news from one that waits for them", async () => {
    const other = await bench.openTab({ owner: "7" });
    other.store.send("Why?");
    await bench.timers.advance(0);
    other.store.send("And why not?");
    const first = await cutOff({ owner: "7" }, "Really?");
    bench.server.offline = false;
    first.disconnect();
    await bench.timers.advance(0);
    expect(other.store.getSnapshot().pending).toMatchObject([{ tried: false }, { tried: true }]);
    for (let answers = 1; answers <= 3; answers += 1) {
      bench.server.finish("Because.");
      await bench.timers.advance(40_000);
    }
    expect(stored()).toEqual(["Why?", "And why not?", "Really?"]);
  });

  it("is sent by another tab when its own is gone, and by nobody else before", async () => {
    const other = await bench.openTab({ owner: "7" });
    const first = await cutOff({ owner: "7" }, "Why?");
    expect(other.store.getSnapshot().pending).toEqual([]);
    first.disconnect();
    await bench.timers.advance(0);
    expect(other.store.getSnapshot().pending).toMatchObject([{ content: "Why?" }]);
    bench.server.offline = false;
    await bench.timers.advance(30_000);
    expect(stored()).toEqual(["Why?"]);
    expect(other.store.getSnapshot().messages[0]).toMatchObject({ content: "Why?" });
  });

  it("is no draft any more in a tab that was opened while it was being written", async () => {
    const first = await bench.openTab({ owner: "7" });
    first.store.setDraft("Why?");
    const other = await bench.openTab({ owner: "7" });
    expect(other.store.getSnapshot().draft).toBe("Why?");
    // Its tab goes before it has heard that the server has it.
    bench.server.faults = [{ afterwards: true }];
    first.store.send("Why?");
    await bench.timers.advance(0);
    first.disconnect();
    await bench.timers.advance(30_000);
    expect(stored()).toEqual(["Why?"]);
    expect(other.store.getSnapshot()).toMatchObject({ draft: "", pending: [], messages: [{ content: "Why?" }, {}] });
  });

  it("is not taken over when it has been sent meanwhile", async () => {
    const other = await bench.openTab({ owner: "7" });
    const first = await bench.openTab({ owner: "7" });
    first.store.send("Why?");
    await bench.timers.advance(0);
    expect(sent()).toEqual(["Why?"]);
    expect(other.store.getSnapshot().pending).toEqual([]);
    first.disconnect();
    await bench.timers.advance(0);
    expect(sent()).toEqual(["Why?"]);
  });

  it("is sent after a reload where tabs cannot agree, too", async () => {
    const first = await cutOff({ owner: "7", lock: null }, "Why?");
    first.disconnect();
    bench.server.offline = false;
    await bench.openTab({ owner: "7", lock: null });
    expect(stored()).toEqual(["Why?"]);
  });

  it("goes on when the chat comes back to the page", async () => {
    const { store, disconnect } = await cutOff({}, "Why?");
    disconnect();
    const before = sent().length;
    await bench.timers.advance(60_000);
    expect(sent()).toHaveLength(before);
    bench.server.offline = false;
    store.connect();
    await bench.timers.advance(0);
    expect([stored(), store.getSnapshot().pending]).toEqual([["Why?"], []]);
  });

  it("waits for its reader's decision after more than an hour", async () => {
    const first = await cutOff({ owner: "7" }, "Why?");
    first.disconnect();
    await bench.timers.advance(3_601_000);
    bench.server.offline = false;
    const { store, page } = await bench.openTab({ owner: "7" });
    expect(store.getSnapshot().pending).toMatchObject([{ content: "Why?", state: "failed" }]);
    page.signal("visible");
    await bench.timers.advance(1000);
    expect(stored()).toEqual([]);
    store.retry(store.getSnapshot().pending[0]?.key ?? "");
    await bench.timers.advance(0);
    expect(stored()).toEqual(["Why?"]);
  });

  it("is sent by the chat that comes next, if its writer left before the server had answered", async () => {
    bench.server.start("", ["Before", "Indeed."]);
    (await bench.openTab()).disconnect();
    bench.server.hold();
    const second = await bench.openTab();
    second.store.send("Why?");
    await bench.timers.advance(0);
    second.disconnect();
    bench.server.release();
    await bench.openTab();
    await bench.timers.advance(1000);
    expect(stored()).toEqual(["Before", "Why?"]);
  });

  it("keeps its scope over a reload", async () => {
    const other = bench.server.start("b", ["There?", "There."]);
    const { store, disconnect } = await bench.openTab({ owner: "7" });
    await store.open(other.id);
    await store.end();
    bench.server.offline = true;
    store.send("For there");
    await bench.timers.advance(100);
    disconnect();
    bench.server.offline = false;
    await bench.openTab({ owner: "7" });
    await bench.timers.advance(1000);
    const { session } = bench.server.messages.find(({ content }) => content === "For there") ?? {};
    expect(bench.server.find(session ?? "")?.scope).toBe("b");
  });

  it("outlives a reload although its chat was deleted, and is not sent unasked", async () => {
    await deleteItsChat("Why?");
    const before = sent();
    const { store } = await bench.openTab();
    await bench.timers.advance(60_000);
    expect(store.getSnapshot().pending).toMatchObject([{ content: "Why?", state: "failed" }]);
    expect(sent()).toEqual(before);
    store.retry(store.getSnapshot().pending[0]?.key ?? "");
    await bench.timers.advance(0);
    expect(stored()).toContain("Why?");
  });

  it("outlives that its chat is deleted while another one is shown and the page puts the chat aside", async () => {
    const old = bench.server.start("", ["Old", "Yes."]);
    bench.server.changeSession(old.id, { state: "ended" });
    const { store, disconnect } = await bench.openTab();
    for (const text of ["Why?", "And how?"]) {
      store.send(text);
      await bench.timers.advance(0);
    }
    const { id = "" } = store.getSnapshot().session ?? {};
    await store.open(old.id);
    await bench.timers.advance(0);
    await bench.api().deleteSession(id);
    disconnect();
    await bench.timers.advance(500);
    bench.server.hold();
    store.connect();
    await bench.timers.advance(0);
    // Only the question whose chat it was is answered at once.
    bench.server.faults = [{}, {}];
    bench.server.release();
    await bench.timers.advance(5000);
    await store.openCurrent();
    expect(store.getSnapshot().pending).toMatchObject([{ content: "And how?", state: "failed" }]);
    expect(inStorage()).toHaveLength(1);
  });

  it("is neither shown to nor sent by somebody else at the same browser", async () => {
    bench.server.start("", ["Before", "Indeed."]);
    const first = await cutOff({}, "my secret");
    first.disconnect();
    bench.server.offline = false;
    bench.server.sessions = [];
    bench.server.reader = "visitor with another cookie";
    const { store } = await bench.openTab();
    await bench.timers.advance(5000);
    expect([store.getSnapshot().pending, inStorage()]).toEqual([[], []]);
    expect(stored()).not.toContain("my secret");
  });

  it("whose chat was deleted is not shown to somebody else at the same browser", async () => {
    await deleteItsChat("my secret");
    bench.server.reader = "visitor with another cookie";
    const { store } = await bench.openTab();
    await bench.timers.advance(5000);
    expect([store.getSnapshot().pending, inStorage()]).toEqual([[], []]);
  });

  it("stays with its visitor, who decides, when its chat is gone", async () => {
    bench.server.start("", ["Before", "Indeed."]);
    const first = await cutOff({}, "Why?");
    first.disconnect();
    bench.server.offline = false;
    bench.server.sessions = [];
    const { store } = await bench.openTab();
    await bench.timers.advance(5000);
    const [message] = store.getSnapshot().pending;
    expect(message).toMatchObject({ content: "Why?", state: "failed", problem: { code: "not_found" } });
    store.retry(message?.key ?? "");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ pending: [], messages: [{ content: "Why?" }, {}] });
  });

  it("goes out from the account when its writer has logged in, and the chat has moved there", async () => {
    const { id } = bench.server.start("", ["Before", "Indeed."]);
    const first = await cutOff({}, "Why?", "And how?");
    const keys = first.store.getSnapshot().pending.map(({ key }) => key);
    first.disconnect();
    bench.server.offline = false;
    const { store } = await bench.openTab({ owner: "7" });
    expect(stored()).toEqual(["Before", "Why?"]);
    bench.server.finish("Because.");
    await bench.timers.advance(5000);
    expect(stored()).toEqual(["Before", "Why?", "And how?"]);
    const bodies = bench.server.seen.flatMap(({ path, body }) => (path === "/messages" ? [body] : []));
    expect(new Set(bodies.map((body) => body?.key))).toEqual(new Set(keys));
    expect(new Set(bodies.map((body) => body?.session))).toEqual(new Set([id]));
    expect([store.getSnapshot().pending, inStorage()]).toEqual([[], []]);
  });

  it("of a visitor waits for that visitor where somebody else logs in", async () => {
    bench.server.start("", ["Before", "Indeed."]);
    (await cutOff({}, "my secret")).disconnect();
    bench.browser.storage.setItem("django-chat-sessions:outbox:1:::key-x", '{"content":"my first words"}');
    const before = inStorage();
    bench.server.offline = false;
    bench.server.sessions = [];
    bench.server.reader = "7";
    const { store, disconnect } = await bench.openTab({ owner: "7" });
    await bench.timers.advance(5000);
    expect(store.getSnapshot().pending).toEqual([]);
    expect([before.length, inStorage()]).toEqual([2, before]);
    expect(stored()).toEqual(["Before"]);
    disconnect();
  });

  it("stays where it is until somebody can say whose it is", async () => {
    await leaveBehind("Why?");
    const api = bench.api();
    let isCut = true;
    const getSession: typeof api.getSession = (id) =>
      isCut ? Promise.reject(new TypeError("cut")) : api.getSession(id);
    const { store } = await bench.openTab({ api: { ...api, getSession } });
    expect([store.getSnapshot().pending, inStorage()]).toMatchObject([[], [expect.anything()]]);
    isCut = false;
    await bench.timers.advance(30_000);
    expect(store.getSnapshot().pending).toMatchObject([{ content: "Why?" }]);
  });

  it("is not asked about any more once the chat has left the page", async () => {
    await leaveBehind("Why?");
    let asked = 0;
    const getSession = () => {
      asked += 1;
      return Promise.reject(new TypeError("cut"));
    };
    const { disconnect } = await bench.openTab({ api: { ...bench.api(), getSession } });
    disconnect();
    const before = asked;
    await bench.timers.advance(60_000);
    expect(asked).toBe(before);
  });

  it("is forgotten when it is taken back", async () => {
    const { store } = await bench.openTab();
    const key = store.send("forbidden words") ?? "";
    await bench.timers.advance(0);
    expect(inStorage()).toHaveLength(1);
    store.discard(key);
    expect(inStorage()).toEqual([]);
  });

  it("lives as long as the page where nothing can be stored, and the page can say so", async () => {
    const { store } = await bench.openTab({ storage: null });
    expect(store.getSnapshot().durable).toBe(true);
    bench.server.offline = true;
    store.send("Why?");
    expect(store.getSnapshot().durable).toBe(false);
    await bench.timers.advance(100);
    bench.server.offline = false;
    await bench.timers.advance(30_000);
    expect(stored()).toEqual(["Why?"]);
  });

  it("is nothing that another program left under our name", async () => {
    bench.browser.storage.setItem("django-chat-sessions:outbox:1:7::x", '{"content":4}');
    const { store } = await bench.openTab({ owner: "7" });
    expect(store.getSnapshot().pending).toEqual([]);
  });
});

describe("a chat that leaves its page and comes back, as React's Activity does", () => {
  it("does not offer again what another tab has sent meanwhile", async () => {
    const first = await cutOff({ owner: "7" }, "Why?");
    await bench.timers.advance(600_000);
    expect(first.store.getSnapshot().pending).toMatchObject([{ state: "failed" }]);
    first.disconnect();
    bench.server.offline = false;
    await bench.openTab({ owner: "7" });
    await bench.timers.advance(5000);
    expect(stored()).toEqual(["Why?"]);
    first.store.connect();
    await bench.timers.advance(5000);
    expect(first.store.getSnapshot().pending).toEqual([]);
  });

  it("does not send what was taken back in another tab", async () => {
    bench.server.start("", ["Here?", "Here."]);
    const first = await bench.openTab({ owner: "7" });
    first.store.send("One");
    await bench.timers.advance(1000);
    const key = first.store.send("Two") ?? "";
    first.disconnect();
    const second = await bench.openTab({ owner: "7" });
    await bench.timers.advance(1000);
    second.store.discard(key);
    first.store.connect();
    bench.server.finish("So.");
    await bench.timers.advance(30_000);
    expect(stored()).not.toContain("Two");
  });
});

describe("where the storage is almost full", () => {
  const words = "question ".repeat(15);
  const kept = () => bench.browser.storage.text;

  it("a draft that is sent makes room for its message", async () => {
    bench.browser.storage.room = 420;
    const { store, page } = await bench.openTab({ owner: "7" });
    store.setDraft(words);
    expect(kept()).toContain(words);
    bench.server.offline = true;
    page.signal("offline");
    store.send(words);
    expect([kept().includes(words), store.getSnapshot().durable]).toEqual([true, true]);
  });

  it("a message that is taken back makes room for the draft", async () => {
    bench.browser.storage.room = 420;
    const { store } = await bench.openTab({ owner: "7" });
    const refused = `forbidden ${words}`;
    const key = store.send(refused) ?? "";
    await bench.timers.advance(0);
    expect(kept()).toContain(refused);
    store.discard(key);
    expect(kept()).toContain(refused);
    expect(store.getSnapshot()).toMatchObject({ draft: refused, durable: true });
  });

  it("a visitor's message is not lost on its way to the account", async () => {
    bench.server.start("", ["Before", "Indeed."]);
    (await cutOff({}, words)).disconnect();
    bench.server.offline = false;
    const { storage } = bench.browser;
    storage.room = storage.size + 150;
    const sendMessage = () => Promise.reject(new ApiError({ status: 503 }));
    const { store } = await bench.openTab({ owner: "7", api: { ...bench.api(), sendMessage } });
    await bench.timers.advance(100);
    expect(store.getSnapshot().pending).toMatchObject([{ content: words }]);
    expect(kept()).toContain(words);
  });

  it("a message that could not be kept is not said to be, whatever is kept after it", async () => {
    bench.browser.storage.room = 400;
    const { store, page } = await bench.openTab({ owner: "7" });
    bench.server.offline = true;
    page.signal("offline");
    store.send("long ".repeat(100));
    expect(store.getSnapshot().durable).toBe(false);
    store.setDraft("x");
    expect(store.getSnapshot().durable).toBe(false);
  });
});

it("a visitor's message is not kept from them by a tab of an account", async () => {
  const first = await cutOff({}, "My first words");
  bench.server.offline = false;
  bench.server.reader = "ada";
  const account = await bench.openTab({ owner: "7" });
  first.disconnect();
  await bench.timers.advance(1000);
  expect(account.store.getSnapshot().pending).toEqual([]);
  bench.server.reader = "visitor";
  await bench.openTab();
  await bench.timers.advance(1000);
  expect(stored()).toEqual(["My first words"]);
});

it("what was taken back in one tab is sent by no other, where tabs cannot agree", async () => {
  bench.server.replies = false;
  const one = await bench.openTab({ owner: "7", lock: null });
  bench.server.offline = true;
  one.store.send("one");
  const key = one.store.send("two") ?? "";
  await bench.timers.advance(0);
  await bench.openTab({ owner: "7", lock: null });
  one.store.discard(key);
  expect(one.store.getSnapshot().draft).toBe("two");
  bench.server.offline = false;
  await bench.timers.advance(60_000);
  expect(stored()).toEqual(["one"]);
});

describe("where tabs cannot agree", () => {
  const outbox = () =>
    createOutbox(
      createJsonStorage(() => bench.browser.storage),
      "7:",
      null,
    );
  const keep = (key: string, at: number) =>
    outbox().keep({ key, at, content: key, session: null, scope: "", after: null, reader: null });

  it("what was left behind is taken in the order of its writing, whatever its keys", () => {
    const writing = { b: 10, a: 1000, c: 9 };
    for (const [key, at] of Object.entries(writing)) keep(key, at);
    const taken: string[] = [];
    const all = outbox();
    all.open(
      ({ key }) => taken.push(key),
      () => {},
    );
    all.close();
    expect(taken).toEqual(["c", "b", "a"]);
  });

  it("what another tab keeps from now on stays in its hands, and is heard of when it has gone", () => {
    const heard: string[] = [];
    const ours = outbox();
    ours.open(
      ({ key }) => heard.push(`taken ${key}`),
      (key) => heard.push(`lost ${key}`),
    );
    keep("theirs", 1);
    expect(heard).toEqual([]);
    outbox().forget("theirs");
    expect(heard).toEqual(["lost theirs"]);
    ours.close();
  });
});
