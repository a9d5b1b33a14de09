import { beforeEach, describe, expect, it, vi } from "vitest";
import inProgress from "../../../tests/contract/conflict_turn_in_progress.json";
import { ApiError } from "./errors.js";
import { ChatBench } from "./testing/chatBench.js";
import type { Conflict } from "./wire.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

const posted = () => bench.server.seen.filter(({ path }) => path === "/messages").map(({ body }) => body);

describe("sending", () => {
  it("shows the words at once, then keeps the same row", async () => {
    const { store } = await bench.openTab();
    bench.server.hold();
    const key = store.send("Why?");
    expect(store.getSnapshot().entries).toEqual([
      { kind: "pending", key, pending: expect.objectContaining({ content: "Why?", state: "sending" }) },
    ]);
    bench.server.release();
    await bench.timers.advance(0);
    expect(store.getSnapshot().entries[0]).toMatchObject({ kind: "message", key, message: { content: "Why?" } });
    expect(store.getSnapshot().pending).toEqual([]);
  });

  it("does not send blanks", async () => {
    const { store } = await bench.openTab();
    expect(store.send(" \n")).toBeNull();
    expect(posted()).toEqual([]);
  });

  it("clears the draft, in storage too", async () => {
    const { store } = await bench.openTab();
    store.setDraft("Why?");
    store.send(store.getSnapshot().draft);
    await bench.timers.advance(0);
    expect(store.getSnapshot().draft).toBe("");
    expect([...bench.browser.storage.values.values()].join()).not.toContain("Why?");
  });

  it("retries with the same key when an answer is lost, and stores once", async () => {
    const { store } = await bench.openTab();
    bench.server.faults = [{ afterwards: true }, { status: 502 }];
    const key = store.send("Why?");
    await bench.timers.advance(10_000);
    expect(posted().map((body) => body?.key)).toEqual([key, key, key]);
    expect(bench.server.messages.filter(({ role }) => role === "user")).toHaveLength(1);
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(["Why?", ""]);
  });

  it("waits as long as the server asks", async () => {
    const { store } = await bench.openTab();
    bench.server.faults = [{ status: 429, body: "{}", retryAfter: "20" }];
    store.send("Why?");
    await bench.timers.advance(19_900);
    expect(posted()).toHaveLength(1);
    await bench.timers.advance(100);
    expect(posted()).toHaveLength(2);
  });

  it("gives up after eight attempts, keeps the words, and tries again when asked", async () => {
    const { store } = await bench.openTab();
    bench.server.offline = true;
    const key = store.send("Why?") ?? "";
    await bench.timers.advance(600_000);
    expect(posted()).toHaveLength(8);
    expect(store.getSnapshot()).toMatchObject({
      status: "reconnecting",
      pending: [{ key, content: "Why?", state: "failed", problem: { code: "network" } }],
    });
    bench.server.offline = false;
    store.retry(key);
    store.retry(key);
    await bench.timers.advance(0);
    expect(posted()).toHaveLength(9);
    expect(store.getSnapshot()).toMatchObject({ status: "active", pending: [] });
  });

  it("does not give up while the device is offline, and hurries when it is back", async () => {
    const { store, page } = await bench.openTab();
    bench.server.offline = true;
    page.signal("offline");
    expect(store.getSnapshot()).toMatchObject({ status: "offline" });
    store.send("Why?");
    await bench.timers.advance(3_600_000);
    expect(store.getSnapshot().pending).toMatchObject([{ state: "queued", tried: true }]);
    bench.server.offline = false;
    page.signal("online");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "active", pending: [] });
  });

  it("lets what was written offline go where the first of it went, also by a page that is opened later", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store, page, disconnect } = await bench.openTab();
    bench.server.offline = true;
    page.signal("offline");
    for (const words of ["one", "two", "three"]) store.send(words);
    await bench.timers.advance(400_000);
    bench.server.offline = false;
    page.signal("online");
    await bench.timers.advance(0);
    bench.server.finish("First.");
    await bench.timers.advance(60_000);
    disconnect();
    const later = await bench.openTab();
    bench.server.finish("Second.");
    await bench.timers.advance(60_000);
    bench.server.finish("Third.");
    await bench.timers.advance(0);
    const { id } = bench.server.sessions.at(-1) ?? {};
    expect(later.store.getSnapshot()).toMatchObject({ pending: [], session: { id } });
    const asked = bench.server.messages.filter(({ role, session }) => role === "user" && session === id);
    expect(asked.map(({ content }) => content)).toEqual(["one", "two", "three"]);
  });

  it("tries again by itself what it had given up, when the page is looked at", async () => {
    const { store, page } = await bench.openTab();
    bench.server.offline = true;
    store.send("Why?");
    await bench.timers.advance(600_000);
    bench.server.offline = false;
    page.signal("visible");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ pending: [], messages: [{ content: "Why?" }, {}] });
  });

  it("shows the server's sentence when it refuses, and gives the words back", async () => {
    const { store } = await bench.openTab();
    const key = store.send("forbidden words") ?? "";
    store.discard(key);
    expect(store.getSnapshot().pending).toHaveLength(1);
    await bench.timers.advance(0);
    expect(store.getSnapshot().pending).toMatchObject([
      { state: "failed", problem: { code: "invalid", message: "content must not say that.", field: "content" } },
    ]);
    store.discard(key);
    expect(store.getSnapshot()).toMatchObject({ pending: [], draft: "forbidden words" });
  });

  it("gives back words that wait for their turn, and keeps those that the server may have", async () => {
    const { store } = await bench.openTab();
    bench.server.offline = true;
    const [first = "", second = ""] = [store.send("one") ?? "", store.send("two") ?? ""];
    await bench.timers.advance(0);
    store.discard(first);
    store.discard(second);
    expect(store.getSnapshot()).toMatchObject({ pending: [{ content: "one", tried: true }], draft: "two" });
  });

  it("puts discarded words before a new draft", async () => {
    const { store } = await bench.openTab();
    const key = store.send("forbidden words") ?? "";
    await bench.timers.advance(0);
    store.setDraft("something else");
    store.discard(key);
    expect(store.getSnapshot().draft).toBe("forbidden words\nsomething else");
  });

  it("leaves alone what is in the field when something else is sent, such as a suggestion", async () => {
    const { store, disconnect } = await bench.openTab();
    store.setDraft("A long question, half written");
    store.send("Why does ice float?");
    await bench.timers.advance(0);
    expect(store.getSnapshot().draft).toBe("A long question, half written");
    disconnect();
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("A long question, half written");
  });

  it("shows the same words sent again, as long as they wait", async () => {
    const { store, page } = await bench.openTab();
    store.send("continue");
    await bench.timers.advance(0);
    bench.server.finish("Part one");
    await bench.timers.advance(3000);
    bench.server.offline = true;
    page.signal("offline");
    store.send("continue");
    await bench.timers.advance(5000);
    expect(store.getSnapshot().entries.at(-1)).toMatchObject({ kind: "pending", pending: { tried: true } });
  });

  it("is told to wait: nothing was stored, so the words can be taken back", async () => {
    const { store } = await bench.openTab();
    const body = JSON.stringify({ code: "too_many_messages", message: "Wait.", field: null });
    bench.server.faults = [{ status: 429, body, retryAfter: "60" }];
    const key = store.send("Why?") ?? "";
    await bench.timers.advance(0);
    const problem = { code: "too_many_messages", message: "Wait." };
    expect(store.getSnapshot().pending).toMatchObject([{ state: "queued", tried: false, problem }]);
    store.discard(key);
    expect(store.getSnapshot()).toMatchObject({ pending: [], draft: "Why?" });
  });

  it("goes on whatever a listener of the page does", async () => {
    const told = vi.fn();
    vi.stubGlobal("reportError", told);
    const { store } = await bench.openTab();
    store.subscribe(() => {
      throw new Error("the page's own mistake");
    });
    store.send("one");
    await bench.timers.advance(0);
    bench.server.finish("Yes");
    await bench.timers.advance(3000);
    store.send("two");
    await bench.timers.advance(0);
    vi.unstubAllGlobals();
    expect(store.getSnapshot().pending).toEqual([]);
    expect(told).toHaveBeenCalledWith(new Error("the page's own mistake"));
  });

  it("sends one after the other", async () => {
    bench.server.replies = false;
    const { store } = await bench.openTab();
    bench.server.hold();
    store.send("one");
    store.send("two");
    await bench.timers.advance(0);
    expect(posted().map((body) => body?.content)).toEqual(["one"]);
    bench.server.release();
    await bench.timers.advance(0);
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(["one", "two"]);
    expect(posted()[1]).toMatchObject({ session: store.getSnapshot().session?.id });
  });

  it("loads what is missing when the message landed in a session with more in it", async () => {
    const { store } = await bench.openTab();
    bench.server.start("", ["From elsewhere", "Indeed."]);
    store.send("And here?");
    await bench.timers.advance(0);
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual([
      "From elsewhere",
      "Indeed.",
      "And here?",
      "",
    ]);
  });

  it("does not bring back the current chat while an older one is read", async () => {
    const old = bench.server.start("", ["Old", "Older"]);
    await bench.timers.advance(400_000);
    const { store } = await bench.openTab();
    bench.server.hold();
    store.send("New");
    bench.server.release();
    await store.open(old.id);
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ readOnly: true, session: { id: old.id }, pending: [] });
  });
});

describe("what has been chosen since a message went off", () => {
  it("stays on screen: another chat that is open", async () => {
    bench.server.start("", ["Here?", "Here."]);
    const other = bench.server.start("b", ["There?", "There."]);
    const { store } = await bench.openTab();
    bench.server.hold();
    store.send("More here");
    const send = bench.server.setAside();
    await store.open(other.id);
    send();
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: other.id }, pending: [] });
  });

  it("stays on screen: a new chat", async () => {
    bench.server.replies = false;
    bench.server.start("", ["Here?", "Here."]);
    const { store } = await bench.openTab();
    bench.server.holdAnswers();
    store.send("Last words");
    await bench.timers.advance(0);
    const send = bench.server.setAside();
    await store.startNew();
    const { session } = store.getSnapshot();
    send();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ session: { id: session?.id, state: "active" } });
  });

  it("stays on screen: a new chat, before the message that has been answered long ago is tried again", async () => {
    bench.server.replies = false;
    bench.server.start("", ["Here?", "Here."]);
    const { store } = await bench.openTab();
    bench.server.faults = [{ afterwards: true }];
    store.send("Last words");
    await bench.timers.advance(100);
    await store.startNew();
    const { session } = store.getSnapshot();
    await bench.timers.advance(10_000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: session?.id, state: "active" }, pending: [] });
    expect(bench.server.messages.filter(({ content }) => content === "Last words")).toHaveLength(1);
  });

  it("is loaded although the message is answered first", async () => {
    bench.server.replies = false;
    const other = bench.server.start("b", ["There?", "There."]);
    const here = bench.server.start("", ["Here?", "Here."]);
    const { store } = await bench.openTab();
    await store.open(other.id);
    bench.server.hold();
    store.send("More there");
    const send = bench.server.setAside();
    bench.server.hold();
    const opening = store.openCurrent();
    send();
    await bench.timers.advance(0);
    bench.server.release();
    await opening;
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ session: { id: here.id } });
  });
});

describe("a first message that has to wait", () => {
  const wait = '{"code":"too_many_messages","message":"Wait.","field":null}';

  it.each([0, 400_000])("goes into no chat of another scope that is opened meanwhile (%s)", async (age) => {
    const other = bench.server.start("b", ["There?", "There."]);
    await bench.timers.advance(age);
    const { store } = await bench.openTab({ owner: "7" });
    bench.server.faults = [{ status: 429, body: wait, retryAfter: "20" }];
    store.send("For here");
    await bench.timers.advance(0);
    await store.open(other.id);
    await bench.timers.advance(21_000);
    expect(posted().at(-1)).toMatchObject({ scope: "" });
    expect(posted().at(-1)?.session).toBeUndefined();
    expect(store.getSnapshot()).toMatchObject({ session: { id: other.id }, pending: [] });
  });

  it("goes on in the scope of the ended chat that it was written in", async () => {
    const other = bench.server.start("b", ["There?", "There."]);
    const { store } = await bench.openTab({ owner: "7" });
    await store.open(other.id);
    await store.end();
    store.send("More there");
    await bench.timers.advance(0);
    expect(posted().at(-1)).toMatchObject({ scope: "b" });
    expect(store.getSnapshot().session).toMatchObject({ scope: "b", state: "active" });
  });
});

describe("a server that fails at one message", () => {
  const failure = { status: 500 };

  it("is no trouble with the connection: the message is said not to be sent, and waits for its reader", async () => {
    bench.server.start("", ["Before", "Indeed."]);
    const { store, page } = await bench.openTab();
    const statuses = new Set<string>();
    store.subscribe(() => statuses.add(store.getSnapshot().status));
    bench.server.faults = [failure, failure, failure, failure];
    const key = store.send("Why?") ?? "";
    await bench.timers.advance(60_000);
    expect(store.getSnapshot()).toMatchObject({ error: null, pending: [{ key, content: "Why?", state: "failed" }] });
    page.signal("visible");
    await bench.timers.advance(60_000);
    expect(posted()).toHaveLength(4);
    expect([...statuses]).not.toContain("reconnecting");
    store.retry(key);
    await bench.timers.advance(0);
    expect(store.getSnapshot().pending).toEqual([]);
  });

  it("and then does not, has the message without anybody's doing", async () => {
    const { store } = await bench.openTab();
    bench.server.faults = [failure, failure, failure];
    store.send("Why?");
    await bench.timers.advance(10_000);
    expect(store.getSnapshot()).toMatchObject({ pending: [], messages: [{ content: "Why?" }, {}] });
  });
});

it("news come while a message waits for a long time", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab({ owner: "7" });
  bench.server.faults = [{ status: 503, retryAfter: "3600" }];
  store.send("Mine");
  await bench.timers.advance(100);
  await bench.api().sendMessage({ content: "From a phone", key: "phone-key" });
  bench.server.finish("For a phone.");
  await bench.timers.advance(60_000);
  expect(store.getSnapshot().messages.map(({ content }) => content)).toContain("For a phone.");
});

it("whoever is told to wait asks no sooner for looking at other tabs", async () => {
  const { store, page } = await bench.openTab();
  bench.server.faults = [{ status: 429, body: "{}", retryAfter: "600" }];
  store.send("Why?");
  for (let look = 0; look < 8; look += 1) {
    await bench.timers.advance(1000);
    page.signal("hidden");
    page.signal("visible");
  }
  expect(posted()).toHaveLength(1);
  await bench.timers.advance(600_000);
  expect([posted().length, store.getSnapshot().pending]).toEqual([2, []]);
});

it("a message in a new chat does not wait for the answer in the chat before", async () => {
  bench.server.start("", ["Here?", "Here."]);
  const { store } = await bench.openTab();
  store.send("One");
  await bench.timers.advance(1000);
  store.send("Two, when that is answered");
  await store.startNew();
  await bench.timers.advance(1000);
  store.send("Three, in a new chat");
  await bench.timers.advance(1000);
  expect(posted().map((body) => body?.content)).toEqual(["One", "Three, in a new chat"]);
  expect(store.getSnapshot().pending).toMatchObject([{ content: "Two, when that is answered", state: "queued" }]);
});

it("a message on its way is shown once to whoever looks at an older chat and comes back", async () => {
  const { id } = bench.server.start("", ["Old?", "Old."]);
  bench.server.changeSession(id, { state: "ended", end_reason: "user" });
  const { store } = await bench.openTab();
  bench.server.holdAnswers();
  store.send("Why?");
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  await store.open(id);
  await store.openCurrent();
  await bench.timers.advance(1000);
  const shown = () =>
    store.getSnapshot().entries.map((entry) => (entry.kind === "message" ? entry.message.content : entry.kind));
  expect(shown()).toEqual(["Why?", ""]);
  answer();
  await bench.timers.advance(0);
  expect(shown()).toEqual(["Why?", ""]);
});

it("the second of two equal messages is shown while it is sent", async () => {
  bench.server.start("", ["Sure?", "Quite."]);
  const { store, page } = await bench.openTab();
  bench.server.offline = true;
  page.signal("offline");
  store.send("Yes");
  store.send("Yes");
  await bench.timers.advance(0);
  bench.server.offline = false;
  page.signal("online");
  await bench.timers.advance(0);
  bench.server.hold();
  bench.server.finish("So.");
  await bench.timers.advance(30_000);
  expect(posted()).toHaveLength(3);
  expect(store.getSnapshot().pending).toMatchObject([{ content: "Yes", state: "sending" }]);
});

describe("while it is asked who is here, after a refusal", () => {
  /** The chat is gone, its last message was refused, and the answer to who is here is held back. */
  const refuse = async () => {
    const { id } = bench.server.start("", ["Here?", "Here."]);
    const tab = await bench.openTab();
    bench.server.sessions = bench.server.sessions.filter((session) => session.id !== id);
    bench.server.holdAnswers();
    const key = tab.store.send("Why?") ?? "";
    await bench.timers.advance(0);
    const refusal = bench.server.setAside();
    bench.server.hold();
    refusal();
    await bench.timers.advance(0);
    expect(tab.store.getSnapshot().pending).toMatchObject([{ key, state: "queued", tried: false }]);
    return { ...tab, key };
  };

  it("words that are taken back stay so", async () => {
    const { store, key } = await refuse();
    store.discard(key);
    bench.server.release();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ draft: "Why?", pending: [] });
    expect([...bench.browser.storage.values.keys()].filter((name) => name.includes("outbox"))).toEqual([]);
  });

  it("a chat that leaves the page leaves the message to the others", async () => {
    const { disconnect, key } = await refuse();
    disconnect();
    bench.server.release();
    await bench.timers.advance(0);
    const { store } = await bench.openTab();
    await bench.timers.advance(5000);
    expect(store.getSnapshot().pending).toMatchObject([{ key, content: "Why?" }]);
  });

  it("what was asked before the refusal is not the answer", async () => {
    const { store, page } = await bench.openTab();
    bench.server.holdAnswers();
    page.signal("visible");
    await bench.timers.advance(0);
    const before = bench.server.setAside();
    bench.server.reader = "somebody";
    const key = store.send("Why?") ?? "";
    await bench.timers.advance(0);
    const stop = store.subscribe(() => {
      if (store.getSnapshot().pending[0]?.state === "failed") store.retry(key);
    });
    before();
    await bench.timers.advance(0);
    stop();
    expect(posted().map((body) => body?.reader)).toEqual(["visitor", "somebody"]);
    expect(store.getSnapshot().pending).toEqual([]);
  });
});

describe("conflicts", () => {
  it("shows the chat that another device began, when its answer is what stands in the way", async () => {
    const { store } = await bench.openTab();
    await bench.api().sendMessage({ content: "From a phone", key: "phone-key" });
    store.send("Meanwhile");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({
      running: "waiting",
      messages: [{ content: "From a phone" }, { state: "pending" }],
      pending: [{ content: "Meanwhile", state: "queued", problem: null }],
    });
    bench.server.finish("Phone answer.");
    await bench.timers.advance(3000);
    expect(store.getSnapshot()).toMatchObject({ pending: [], running: "waiting" });
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual([
      "From a phone",
      "Phone answer.",
      "Meanwhile",
      "",
    ]);
  });

  it("waits while an answer is being written to somebody's device, and then sends by itself", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.api().sendMessage({ content: "From a phone", key: "phone-key" });
    store.send("Meanwhile");
    await bench.timers.advance(60_000);
    expect(store.getSnapshot()).toMatchObject({ running: "waiting", pending: [{ state: "queued" }] });
    expect(posted().filter((body) => body?.content === "Meanwhile")).toHaveLength(1);
    bench.server.finish("Phone answer.");
    await bench.timers.advance(20_000);
    expect(store.getSnapshot()).toMatchObject({ pending: [], running: "waiting" });
    expect(posted().filter((body) => body?.content === "Meanwhile")).toHaveLength(2);
  });

  it("shows also the question whose answer stands in the way, before news of it come", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    bench.server.streams.isSilent = true;
    await bench.api().sendMessage({ content: "From a phone", key: "phone-key" });
    store.send("Meanwhile");
    await bench.timers.advance(0);
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual([
      ...["Why?", "Because.", "From a phone", ""],
    ]);
  });

  it("says so when an answer that nobody sees here stands in the way for too long", async () => {
    const refusal = new ApiError({ status: 409, body: inProgress.body as Conflict, retryAfter: null });
    const { store } = await bench.openTab({
      api: { ...bench.api(), sendMessage: () => Promise.reject(refusal) },
    });
    store.send("Meanwhile");
    await bench.timers.advance(600_000);
    expect(store.getSnapshot().pending).toMatchObject([{ state: "failed", problem: { code: "turn_in_progress" } }]);
  });

  const endElsewhere = async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.api().startSession({});
    const key = store.send("Where am I?") ?? "";
    await bench.timers.advance(0);
    return { session, store, key };
  };

  it("offers both ways when the chat was ended elsewhere, words kept", async () => {
    const { session, store } = await endElsewhere();
    expect(store.getSnapshot()).toMatchObject({
      status: "ended",
      session: { id: session.id },
      pending: [{ content: "Where am I?", problem: { code: "session_ended" }, conflict: { current: { scope: "" } } }],
    });
  });

  it("continues the ended chat and sends there", async () => {
    const { session, store, key } = await endElsewhere();
    await bench.timers.advance(1);
    await store.retryInEnded(key);
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ pending: [], session: { id: session.id, state: "active" } });
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(["Why?", "Because.", "Where am I?", ""]);
  });

  it("sends in the current chat instead", async () => {
    const { session, store, key } = await endElsewhere();
    store.retryInCurrent(key);
    await bench.timers.advance(0);
    expect(store.getSnapshot().pending).toEqual([]);
    expect(store.getSnapshot().session?.id).not.toBe(session.id);
    expect(store.getSnapshot().entries.filter(({ kind }) => kind === "boundary")).toHaveLength(1);
  });
});

describe("what was written before somebody else signed in", () => {
  /** Ada writes without a connection; then Bob is signed in at this browser. */
  const leaveToBob = async () => {
    bench.server.reader = "ada";
    const tab = await bench.openTab();
    bench.server.offline = true;
    const key = tab.store.send("Mine alone") ?? "";
    await bench.timers.advance(0);
    bench.server.reader = "bob";
    bench.server.offline = false;
    return { ...tab, key };
  };
  const refused = [{ content: "Mine alone", state: "failed", problem: { code: "other_reader" } }];

  it("is not sent as theirs, and its words stay", async () => {
    const { store, page } = await leaveToBob();
    page.signal("online");
    await bench.timers.advance(60_000);
    expect(store.getSnapshot().pending).toMatchObject(refused);
    expect(bench.server.messages).toEqual([]);
  });

  it("nor after a reload", async () => {
    const { disconnect } = await leaveToBob();
    disconnect();
    const { store } = await bench.openTab();
    await bench.timers.advance(60_000);
    expect(store.getSnapshot().pending).toMatchObject(refused);
  });

  it("is sent when whoever is here now asks for it", async () => {
    const { store, page, key } = await leaveToBob();
    page.signal("online");
    await bench.timers.advance(60_000);
    store.retry(key);
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ pending: [], messages: [{ content: "Mine alone" }, {}] });
  });

  it("says whose it is, also where the page did not know yet who is here", async () => {
    bench.server.reader = "ada";
    bench.server.hold();
    const { store } = await bench.openTab({ owner: "7" });
    store.send("Mine alone");
    bench.server.release();
    await bench.timers.advance(0);
    expect(posted().map((body) => body?.reader)).toEqual(["ada"]);
  });

  it("is offered to whoever is here only when it is known who that is", async () => {
    bench.server.reader = "ada";
    const { store } = await bench.openTab();
    bench.server.reader = "bob";
    const key = store.send("Mine alone") ?? "";
    const stop = store.subscribe(() => {
      if (store.getSnapshot().pending[0]?.state === "failed") store.retry(key);
    });
    await bench.timers.advance(0);
    stop();
    expect(posted().map((body) => body?.reader)).toEqual(["ada", "bob"]);
    expect(store.getSnapshot()).toMatchObject({ pending: [], messages: [{ content: "Mine alone" }, {}] });
  });

  it("goes on where the session that it was written in has gone", async () => {
    bench.server.reader = "visitor";
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    bench.server.reader = "ada";
    store.send("And then?");
    await bench.timers.advance(0);
    expect(store.getSnapshot().pending).toEqual([]);
    expect(posted()[0]).not.toHaveProperty("reader");
  });
});

it("what was asked before a message leads nobody back to the chat before it", async () => {
  const old = bench.server.start("", ["Old?", "Old."]);
  const { store, page } = await bench.openTab();
  bench.server.holdAnswers();
  page.signal("visible");
  await bench.timers.advance(0);
  const before = bench.server.setAside();
  bench.server.changeSession(old.id, { state: "expired", end_reason: "idle" });
  store.send("New?");
  await bench.timers.advance(0);
  const current = store.getSnapshot().session?.id;
  expect(current).not.toBe(old.id);
  const shown = new Set<string | undefined>();
  store.subscribe(() => shown.add(store.getSnapshot().session?.id));
  before();
  await bench.timers.advance(0);
  expect([...shown]).toEqual([current]);
});

it("what cannot be kept in the browser is still there when its chat comes back to the page", async () => {
  const { store, disconnect } = await bench.openTab({ storage: null });
  bench.server.offline = true;
  store.send("Why?");
  await bench.timers.advance(0);
  disconnect();
  store.connect();
  await bench.timers.advance(0);
  expect(store.getSnapshot()).toMatchObject({ durable: false, pending: [{ content: "Why?" }] });
});

it("what waits is in the line once when its chat comes back to the page", async () => {
  const { store, disconnect } = await bench.openTab();
  bench.server.offline = true;
  const key = store.send("Why?");
  await bench.timers.advance(0);
  disconnect();
  store.connect();
  await bench.timers.advance(0);
  expect(store.getSnapshot().pending.map((message) => message.key)).toEqual([key]);
});

it("what waits goes out at once when its chat comes back to the page, whatever else the server is slow to say", async () => {
  const { store, disconnect } = await bench.openTab();
  bench.server.offline = true;
  store.send("Why?");
  await bench.timers.advance(0);
  disconnect();
  await bench.timers.advance(0);
  bench.server.offline = false;
  bench.server.hold();
  const sent = bench.server.count("POST", /messages/);
  store.connect();
  await bench.timers.advance(0);
  expect(bench.server.count("POST", /messages/)).toBe(sent + 1);
});

it("a stranger's message waits until the server has given them a name", async () => {
  bench.server.hold();
  const { store } = await bench.openTab();
  store.send("Why?");
  await bench.timers.advance(0);
  expect(bench.server.count("POST", /messages/)).toBe(0);
  bench.server.release();
  await bench.timers.advance(0);
  expect(bench.server.count("POST", /messages/)).toBe(1);
});

it("what is taken back before anybody knows whose the draft here is does not replace it", async () => {
  bench.server.start("", ["Here?", "Here."]);
  const before = await bench.openTab();
  before.store.setDraft("Half a thought");
  before.disconnect();
  bench.server.hold();
  const { store } = await bench.openTab();
  store.discard(store.send("Why?") ?? "");
  bench.server.release();
  await bench.timers.advance(0);
  expect(store.getSnapshot()).toMatchObject({ draft: "Half a thought\nWhy?", durable: true, pending: [] });
});

it("what is written right after 'New chat' goes there, and not into the scope that was on screen", async () => {
  const other = bench.server.start("subject:13", ["Thirteen?", "13."]);
  const { store } = await bench.openTab({ scope: "subject:12" });
  await store.open(other.id);
  bench.server.hold();
  void store.startNew();
  store.send("Twelve?");
  bench.server.release();
  await bench.timers.advance(0);
  const asked = bench.server.messages.find(({ content }) => content === "Twelve?");
  expect(asked?.session).toBe(store.getSnapshot().session?.id);
  expect(store.getSnapshot().session).toMatchObject({ scope: "subject:12" });
});

it("what is written right after 'Continue' goes into the chat that is continued", async () => {
  const { id } = bench.server.start("", ["Here?", "Here."]);
  const { store } = await bench.openTab({ owner: "7" });
  await bench.timers.advance(400_000);
  bench.server.hold();
  const reopening = store.reopen(id);
  // It may be behind on its way, and what comes after it in front.
  const late = bench.server.setAside();
  store.send("And then?");
  await bench.timers.advance(0);
  late();
  await reopening;
  await bench.timers.advance(1000);
  expect(bench.server.messages.find(({ content }) => content === "And then?")?.session).toBe(id);
  expect(bench.server.sessions).toHaveLength(1);
});

it("a chat that is gone leaves the screen with the message that could not go there", async () => {
  const { id } = bench.server.start("", ["Here?", "Here."]);
  const { store } = await bench.openTab({ owner: "7" });
  await bench.api().deleteSession(id);
  const key = store.send("And then?") ?? "";
  await bench.timers.advance(0);
  expect(store.getSnapshot()).toMatchObject({ session: null, error: { code: "gone" } });
  store.retry(key);
  await bench.timers.advance(0);
  expect(store.getSnapshot()).toMatchObject({ pending: [], error: null });
});

it("what another tab has sent meanwhile is not kept as unsent where it was tried in a chat that is gone", async () => {
  const { id } = bench.server.start("", ["Here?", "Here."]);
  const { store } = await bench.openTab({ owner: "7" });
  await bench.api().deleteSession(id);
  bench.server.hold();
  store.send("And then?");
  await bench.timers.advance(0);
  const kept = () => [...bench.browser.storage.values.keys()].filter((name) => name.includes("outbox"));
  const [name = ""] = kept();
  expect(name).toContain("outbox");
  bench.browser.storage.values.delete(name);
  bench.server.release();
  await bench.timers.advance(0);
  expect(kept()).toEqual([]);
});

it("is not told to the tabs of whoever is here by the time that its answer comes", async () => {
  bench.server.become("ada");
  const { store, page } = await bench.openTab();
  bench.server.faults.push({ status: 503 });
  page.signal("visible");
  await bench.timers.advance(0);
  bench.server.holdAnswers();
  store.send("Mine alone");
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  bench.server.become("visitor");
  const other = await bench.openTab();
  await bench.timers.advance(5000); // what failed is asked again, and says who is here now
  expect(other.store.getSnapshot()).toMatchObject({ status: "new", session: null });
  bench.server.hold();
  answer();
  await bench.timers.advance(0);
  expect(other.store.getSnapshot()).toMatchObject({ session: null, messages: [] });
});
