import { beforeEach, expect, it } from "vitest";
import type { LiveUpdates } from "./liveUpdates.js";
import { ChatBench } from "./testing/chatBench.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

/** Where no stream is to be had, as here, the first look is refused and the others are polls. */
const looks = () => bench.server.looks.filter(({ isStream }) => !isStream).length;
const last = (store: { getSnapshot(): { messages: readonly { content: string; state: string }[] } }) =>
  store.getSnapshot().messages.at(-1);

it("grows with the reply and stops when it has ended", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  expect(store.getSnapshot().running).toBe("waiting");
  bench.server.write("");
  await bench.timers.advance(400);
  expect(last(store)).toMatchObject({ content: "", state: "running" });
  expect(store.getSnapshot().running).toBe("waiting");
  bench.server.write("Bec");
  await bench.timers.advance(2000);
  expect(store.getSnapshot()).toMatchObject({ running: "writing" });
  bench.server.finish("Because.");
  await bench.timers.advance(2000);
  expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
  const count = looks();
  await bench.timers.advance(60_000);
  expect(looks()).toBe(count + 3);
  expect(bench.server.count("GET", /messages/)).toBe(0);
});

it("looks often at first, then every two seconds, and rarely when nobody watches", async () => {
  const { store, page } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(2000);
  expect(looks()).toBe(3);
  await bench.timers.advance(60_000);
  const count = looks();
  await bench.timers.advance(20_000);
  expect(looks() - count).toBe(10);
  page.signal("hidden");
  await bench.timers.advance(2000);
  const hidden = looks();
  await bench.timers.advance(30_000);
  expect(looks() - hidden).toBe(3);
});

it("looks rarely while nothing runs, not at all while nobody watches, and at once on return", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { page } = await bench.openTab();
  await bench.timers.advance(100_000);
  expect(looks()).toBe(5);
  page.signal("hidden");
  await bench.timers.advance(100_000);
  expect(looks()).toBe(6);
  page.signal("visible");
  await bench.timers.advance(0);
  expect(looks()).toBe(7);
  await bench.timers.advance(20_000);
  expect(looks()).toBe(8);
});

it("asks with the cursor, and an unchanged answer is no news", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(400);
  const before = store.getSnapshot();
  await bench.timers.advance(5000);
  expect(store.getSnapshot()).toBe(before);
  expect(bench.server.looks.slice(2).every(({ since }) => since !== null)).toBe(true);
});

it("takes what has come as the page was left, and waited for an answer, when it is back", async () => {
  const { store, disconnect } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.holdAnswers();
  void store.load();
  bench.server.write("Bec");
  await bench.timers.advance(400);
  expect(last(store)).toMatchObject({ content: "", state: "pending" });
  disconnect();
  bench.server.release();
  await bench.timers.advance(500);
  store.connect();
  await bench.timers.advance(0);
  expect(last(store)).toMatchObject({ content: "Bec", state: "running" });
});

it("begins anew when the server does not know the cursor any more", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(400);
  bench.server.forgetCursors();
  bench.server.finish("Because.");
  await bench.timers.advance(3000);
  expect(last(store)).toMatchObject({ content: "Because." });
  expect(store.getSnapshot().running).toBeNull();
});

it("asks for the answer of a chat that is over, of which a new beginning says nothing", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(400);
  const id = store.getSnapshot().session?.id ?? "";
  bench.server.changeSession(id, { state: "ended", end_reason: "user", running: true });
  await bench.timers.advance(2000);
  expect(store.getSnapshot()).toMatchObject({ status: "ended", running: "waiting" });
  bench.server.forgetCursors();
  bench.server.finish("Because.");
  await bench.timers.advance(3000);
  expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
  expect(store.getSnapshot().running).toBeNull();
});

it.each(["failed", "stopped", "interrupted"] as const)("ends when the reply is %s", async (state) => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Bec", state, "It did not work.");
  await bench.timers.advance(1000);
  expect(store.getSnapshot().running).toBeNull();
  expect(last(store)).toMatchObject({ state, error: "It did not work." });
});

it("does not leave a reply behind that another device has gone past", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Because.");
  await bench.api().sendMessage({ content: "And then?", key: "key-of-another-device" });
  bench.server.finish("Then that.");
  await bench.timers.advance(1000);
  const { messages, running } = store.getSnapshot();
  expect(messages.map(({ content, state }) => [content, state])).toEqual([
    ["Why?", ""],
    ["Because.", "answered"],
    ["And then?", ""],
    ["Then that.", "answered"],
  ]);
  expect(running).toBeNull();
});

it("takes trouble on the way for reconnecting, never for the end", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(400);
  bench.server.write("Bec");
  bench.server.offline = true;
  await bench.timers.advance(120_000);
  expect(store.getSnapshot()).toMatchObject({ status: "reconnecting", running: "reconnecting" });
  bench.server.offline = false;
  bench.server.finish("Because.");
  await bench.timers.advance(4000);
  expect(store.getSnapshot()).toMatchObject({ status: "active", running: null });
  expect(last(store)?.content).toBe("Because.");
});

it("is not cut off where the server asks to wait, however often", async () => {
  bench.server.refusedNews = { status: 429, body: null, retryAfter: "60" };
  const { store } = await bench.openTab();
  await bench.timers.advance(600_000);
  expect(bench.server.looks.length).toBeGreaterThan(2);
  expect(store.getSnapshot().status).toBe("new");
});

it("shows the answer all the same where the code that follows it cannot be loaded", async () => {
  const missing = new Set<() => void>();
  const member = { await() {}, renew() {}, leave() {} };
  const updates: LiveUpdates = { join: (listener) => missing.add(listener.missing) && member };
  const { store } = await bench.openTab({ updates });
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Because.");
  await bench.timers.advance(2000);
  expect(last(store)?.content).toBe("");
  for (const tell of missing) tell();
  expect(store.getSnapshot().running).toBe("reconnecting");
  await bench.timers.advance(0);
  expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
});

it("goes on after a refresh in the middle of an answer", async () => {
  const first = await bench.openTab();
  first.store.send("Why?");
  await bench.timers.advance(0);
  bench.server.write("Bec");
  first.disconnect();
  const second = await bench.openTab();
  expect(second.store.getSnapshot()).toMatchObject({ status: "resumed", running: "writing" });
  bench.server.finish("Because.");
  await bench.timers.advance(1000);
  expect(last(second.store)?.content).toBe("Because.");
});

it("looks at once when the page is looked at again", async () => {
  const { store, page } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(30_000);
  bench.server.finish("Because.");
  page.signal("visible");
  await bench.timers.advance(0);
  expect(last(store)?.content).toBe("Because.");
});

it("does not hammer a server that refuses to show the reply", async () => {
  const { store, page } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.refusedNews = { status: 401, body: { code: "not_authenticated", message: "Sign in.", field: null } };
  await bench.timers.advance(60_000);
  expect(looks()).toBe(1);
  expect(store.getSnapshot()).toMatchObject({ error: { code: "not_authenticated" }, running: "reconnecting" });
  bench.server.refusedNews = null;
  bench.server.finish("Because.");
  page.signal("visible");
  await bench.timers.advance(0);
  expect(last(store)?.content).toBe("Because.");
});

it("follows the next answer, although news were refused before", async () => {
  bench.server.start("", ["Why?", "Because."]);
  bench.server.refusedNews = { status: 403, body: null };
  const { store } = await bench.openTab();
  await bench.timers.advance(60_000);
  expect(store.getSnapshot()).toMatchObject({ error: { code: "unexpected" } });
  bench.server.refusedNews = null;
  store.send("And?");
  await bench.timers.advance(0);
  bench.server.finish("Then.");
  await bench.timers.advance(2000);
  expect(store.getSnapshot()).toMatchObject({ running: null, error: null });
  expect(last(store)).toMatchObject({ content: "Then.", state: "answered" });
});

it("follows the next answer at once, although news had failed for long", async () => {
  bench.server.start("", ["Why?", "Because."]);
  bench.server.refusedNews = { status: 502, body: null };
  const { store } = await bench.openTab();
  await bench.timers.advance(125_000);
  bench.server.refusedNews = null;
  store.send("And?");
  await bench.timers.advance(0);
  bench.server.finish("Then.");
  await bench.timers.advance(2000);
  expect(last(store)).toMatchObject({ content: "Then.", state: "answered" });
});

it("asks for no news before the time that it was told to wait, also for an answer", async () => {
  bench.server.start("", ["Why?", "Because."]);
  bench.server.refusedNews = { status: 429, body: null, retryAfter: "60" };
  const { store } = await bench.openTab();
  await bench.timers.advance(1000);
  const before = bench.server.looks.length;
  store.send("And?");
  await bench.timers.advance(50_000);
  expect(bench.server.looks).toHaveLength(before);
});

it("goes on with an answer once its reader has tried again what was refused", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.refusedNews = { status: 401, body: { code: "not_authenticated", message: "Sign in.", field: null } };
  await bench.timers.advance(5000);
  bench.server.refusedNews = null;
  await store.load();
  bench.server.finish("Because.");
  await bench.timers.advance(2000);
  expect(store.getSnapshot()).toMatchObject({ running: null, error: null });
  expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
});

it("notices when the session is deleted meanwhile", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.sessions = [];
  await bench.timers.advance(1000);
  expect(store.getSnapshot()).toMatchObject({ session: null, running: null });
});

it("leaves rows that did not change the same objects", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab();
  store.send("And?");
  await bench.timers.advance(0);
  const before = store.getSnapshot().entries;
  bench.server.write("So");
  await bench.timers.advance(400);
  const after = store.getSnapshot().entries;
  expect(after.slice(0, 3).every((entry, index) => entry === before[index])).toBe(true);
  expect(after[3]).not.toBe(before[3]);
});

it("fetches what lies between when other messages came before the reply", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Because.");
  bench.server.replies = false;
  for (const content of ["one", "two", "three"]) await bench.api().sendMessage({ content, key: `key-${content}-x` });
  await bench.timers.advance(2000);
  expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual([
    "Why?",
    "Because.",
    "one",
    "two",
    "three",
  ]);
  expect(store.getSnapshot().running).toBeNull();
});

it("is not offline while the server answers, whatever the device says", async () => {
  const { store, page } = bench.tab();
  page.online = false;
  await bench.timers.advance(0);
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Because.");
  await bench.timers.advance(5000);
  expect(last(store)?.content).toBe("Because.");
  expect(store.getSnapshot().status).toBe("active");
});

it("is offline no longer once something that was asked since is answered", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { store, page } = await bench.openTab();
  page.signal("offline");
  expect(store.getSnapshot().status).toBe("offline");
  await store.load();
  expect(store.getSnapshot().status).toBe("resumed");
});

it("is offline although an answer to what was asked before comes a moment later", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { store, page } = await bench.openTab();
  bench.server.holdAnswers();
  void store.load();
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  page.online = false;
  page.signal("offline");
  const seen: string[] = [];
  store.subscribe(() => seen.push(store.getSnapshot().status));
  answer();
  await bench.timers.advance(0);
  expect([...new Set([...seen, store.getSnapshot().status])]).toEqual(["offline"]);
});

it("says nothing where only the news fail, and goes on asking", async () => {
  bench.server.start("", ["Why?", "Because."]);
  bench.server.refusedNews = { status: 500, body: null };
  const { store } = await bench.openTab();
  await bench.timers.advance(60_000);
  expect(bench.server.looks.length).toBeGreaterThan(2);
  expect(store.getSnapshot()).toMatchObject({ status: "resumed", error: null });
});

it("says nothing of a cursor that the server does not know any more", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(400);
  bench.server.forgetCursors();
  bench.server.finish("Because.");
  await bench.timers.advance(4000);
  expect(last(store)?.content).toBe("Because.");
  expect(store.getSnapshot().error).toBeNull();
});

it("finds out that the server is back after news were refused and verbs had no answer", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Because.");
  bench.server.refusedNews = { status: 401, body: { code: "invalid", message: "Who?", field: null } };
  await bench.timers.advance(3000);
  bench.server.refusedNews = null;
  bench.server.offline = true;
  await store.keep();
  await store.keep();
  bench.server.offline = false;
  expect(store.getSnapshot().status).toBe("reconnecting");
  await bench.timers.advance(30_000);
  expect(store.getSnapshot().status).toBe("active");
});

it("a chat that was ended stays so when the answer to what was asked before comes late", async () => {
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.finish("Because.");
  await bench.timers.advance(2000);
  bench.server.holdAnswers();
  const keeping = store.keep();
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  await store.end();
  answer();
  await keeping;
  expect(store.getSnapshot()).toMatchObject({ status: "ended", session: { state: "ended" } });
});

it("goes on to the chat that is open where an old one on screen was continued, and left behind, at once", async () => {
  const { id } = bench.server.start("", ["Why?", "Because."]);
  await bench.api().endSession(id);
  const { store, page } = await bench.openTab();
  await store.open(id);
  bench.server.holdAnswers();
  // News wait until this is answered.
  const opening = store.open(id);
  await bench.timers.advance(100);
  const answer = bench.server.setAside();
  await bench.api().reopenSession(id);
  page.signal("visible");
  await bench.timers.advance(100);
  const { session } = await bench.api().startSession({ scope: "" });
  page.signal("visible");
  await bench.timers.advance(100);
  answer();
  await opening;
  await bench.timers.advance(1000);
  expect(store.getSnapshot()).toMatchObject({ session: { id: session.id }, readOnly: false });
});

it.each([
  ["is being asked", () => bench.server.hold()],
  ["is about to be asked again", () => bench.server.faults.push({ status: 503 })],
])("shows what news have said of a chat that another tab tells of while what is open %s", async (_, ask) => {
  const { store } = await bench.openTab();
  const other = await bench.openTab();
  bench.server.holdAnswers();
  other.store.send("Why?");
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  bench.server.write("Bec");
  ask();
  await bench.timers.advance(20_500);
  answer();
  await bench.timers.advance(0);
  bench.server.release();
  await bench.timers.advance(5000);
  expect(last(store)).toMatchObject({ content: "Bec", state: "running" });
});
