import { beforeEach, describe, expect, it } from "vitest";
import { createHistoryStore } from "./historyStore.js";
import { createTabChannel } from "./tabChannel.js";
import { ChatBench } from "./testing/chatBench.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

/** An ended session and the one that is open now. */
const two = () => {
  const old = bench.server.start("", ["Old?", "Old."]);
  bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
  return [old.id, bench.server.start("", ["New?", "New."]).id] as const;
};

it("a chat that has left the page asks for nothing more, however its last question ends", async () => {
  bench.server.offline = true;
  const { disconnect } = bench.tab();
  disconnect();
  await bench.timers.advance(0);
  const before = bench.server.seen.length;
  await bench.timers.advance(300_000);
  expect(bench.server.seen).toHaveLength(before);
});

describe("a chat of another scope", () => {
  const elsewhere = () => {
    bench.server.start("subject:12", ["Twelve?", "12."]);
    return bench.server.start("subject:13", ["Thirteen?", "13."]).id;
  };
  const askedIn = () => bench.server.messages.findLast(({ role }) => role === "user")?.session;

  it("stays on screen once it is opened", async () => {
    const id = elsewhere();
    const { store, page } = await bench.openTab({ scope: "subject:12" });
    await store.open(id);
    page.signal("hidden");
    page.signal("visible");
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id }, readOnly: false });
    store.send("More?");
    await bench.timers.advance(0);
    expect(askedIn()).toBe(id);
  });

  it("stays on screen once it is continued, and takes the next message", async () => {
    const id = elsewhere();
    bench.server.changeSession(id, { state: "ended", end_reason: "user" });
    const { store, page } = await bench.openTab({ scope: "subject:12" });
    await store.open(id);
    await store.reopen(id);
    store.setDraft("Half a question");
    page.signal("visible");
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id }, draft: "Half a question" });
    store.send("Half a question");
    await bench.timers.advance(0);
    expect(askedIn()).toBe(id);
  });

  it("is followed by one of its own scope when it has expired", async () => {
    const id = elsewhere();
    const { store } = await bench.openTab({ scope: "subject:12" });
    await store.open(id);
    await bench.timers.advance(301_000);
    expect(store.getSnapshot()).toMatchObject({ status: "expired", session: { id } });
    store.send("Still there?");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ session: { scope: "subject:13" }, previous: { id } });
  });

  it("is left for the page's own by openCurrent", async () => {
    const id = elsewhere();
    const { store } = await bench.openTab({ scope: "subject:12" });
    await store.open(id);
    await store.openCurrent();
    expect(store.getSnapshot().session?.scope).toBe("subject:12");
  });

  it("is not shown in the other tabs of this one", async () => {
    const id = elsewhere();
    bench.server.changeSession(id, { state: "ended", end_reason: "user" });
    const one = await bench.openTab({ scope: "subject:12" });
    const other = await bench.openTab({ scope: "subject:12" });
    await one.store.open(id);
    await one.store.reopen(id);
    await bench.timers.advance(1000);
    expect(other.store.getSnapshot().session?.scope).toBe("subject:12");
  });
});

describe("an opened session", () => {
  it("is not replaced by what was asked before it was opened", async () => {
    const [old] = two();
    const store = bench.store();
    void store.open(old);
    store.connect();
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: old }, readOnly: true });
  });

  it("is not replaced when the page comes back while it is on its way", async () => {
    const [old] = two();
    const { store, page } = await bench.openTab();
    bench.server.hold();
    void store.open(old);
    page.signal("visible");
    await bench.timers.advance(0);
    bench.server.release();
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: old }, readOnly: true });
  });

  it("is the one that was chosen last, although a message is answered meanwhile", async () => {
    const old = bench.server.start("", ["Old", "Older"]);
    await bench.timers.advance(400_000);
    const { store } = await bench.openTab();
    bench.server.hold();
    store.send("New");
    const send = bench.server.setAside();
    bench.server.hold();
    const opening = store.open(old.id);
    const open = bench.server.setAside();
    send();
    await bench.timers.advance(0);
    open();
    await opening;
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ readOnly: true, session: { id: old.id } });
  });

  it("is shown although the one on screen is deleted in another tab meanwhile", async () => {
    const [old, current] = two();
    const { store } = await bench.openTab();
    bench.server.hold();
    const opening = store.open(old);
    const open = bench.server.setAside();
    const tell = bench.browser.channel("changes", () => {});
    await bench.api().deleteSession(current);
    tell?.post({ scope: "", session: current, isDeleted: true });
    await bench.timers.advance(0);
    open();
    await opening;
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: old }, readOnly: true });
  });

  it("is followed by the current one, and by no new chat, when it is deleted", async () => {
    const [old, current] = two();
    const { store } = await bench.openTab();
    await store.open(old);
    const seen = new Set<string>();
    store.subscribe(() => seen.add(store.getSnapshot().status));
    await bench.api().deleteSession(old);
    bench.browser.channel("changes", () => {})?.post({ scope: "", session: old, isDeleted: true });
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: current }, readOnly: false });
    expect(seen).not.toContain("new");
  });

  it("lacks nothing that was sent in it while it was on its way", async () => {
    bench.server.replies = false;
    const { id } = bench.server.start("", ["Here?", "Here."]);
    const { store } = await bench.openTab();
    bench.server.holdAnswers();
    const opening = store.open(id);
    await bench.timers.advance(0);
    const open = bench.server.setAside();
    store.send("More");
    await bench.timers.advance(0);
    open();
    await opening;
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(["Here?", "Here.", "More"]);
  });

  it("stays where somebody asks to load once more, or the chat comes back to the page", async () => {
    const [old] = two();
    const { store, disconnect } = await bench.openTab();
    await store.open(old);
    await store.load();
    expect(store.getSnapshot()).toMatchObject({ session: { id: old }, readOnly: true });
    disconnect();
    store.connect();
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: old }, readOnly: true });
  });

  it("gives way to the boundary of a new chat that a message of ours began after a pause meanwhile", async () => {
    const old = bench.server.start("", ["Old", "Yes."]);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
    const { id } = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.server.offline = true;
    page.signal("offline");
    store.send("And then?");
    store.send("And after that?");
    await bench.timers.advance(0);
    bench.server.offline = false;
    await store.open(old.id);
    bench.server.offline = true;
    page.signal("offline");
    await bench.timers.advance(400_000);
    bench.server.offline = false;
    page.signal("online");
    await bench.timers.advance(1000);
    bench.server.finish("Nothing.");
    await bench.timers.advance(5000);
    await store.openCurrent();
    const { entries, pending } = store.getSnapshot();
    expect(pending).toEqual([]);
    expect(entries[0]).toMatchObject({ kind: "boundary", boundary: { previous: { id }, reason: "idle" } });
  });

  it("gives way to the current one when it is gone", async () => {
    const [old, current] = two();
    const { store } = await bench.openTab();
    await store.open(old);
    await bench.api().deleteSession(old);
    await store.load();
    await bench.timers.advance(1000);
    expect(store.getSnapshot().session?.id).toBe(current);
  });

  it("says nothing of an older choice that turns out to be gone", async () => {
    const [old] = two();
    const { store } = await bench.openTab();
    bench.server.hold();
    const choosing = store.open("s9999");
    const refuse = bench.server.setAside();
    await store.open(old);
    refuse();
    await choosing;
    expect(store.getSnapshot()).toMatchObject({ session: { id: old }, readOnly: true, error: null });
  });

  it("does not come to the screen any more once its reader has gone back to the current one", async () => {
    const [old, current] = two();
    const { store } = await bench.openTab();
    bench.server.hold();
    const opening = store.open(old);
    const open = bench.server.setAside();
    await store.openCurrent();
    open();
    await opening;
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: current }, readOnly: false });
  });

  it("that is gone leaves the chat as it would have been", async () => {
    bench.server.holdAnswers();
    const { store } = bench.tab();
    await bench.timers.advance(0);
    void store.open("s9999");
    bench.server.release();
    await bench.timers.advance(1000);
    expect(store.getSnapshot().status).toBe("new");
    store.send("Hello?");
    await bench.timers.advance(1000);
    expect(bench.server.messages[0]?.content).toBe("Hello?");
  });
});

describe("what was read too late", () => {
  /** What has been asked for first is answered; the transcript that is asked for next waits. */
  const transcriptHeld = async () => {
    await bench.timers.advance(0);
    const current = bench.server.setAside();
    bench.server.holdAnswers();
    current();
    await bench.timers.advance(0);
    return bench.server.setAside();
  };

  it("says nothing of a refusal when a verb was faster", async () => {
    const { store, page } = await bench.openTab();
    bench.server.hold();
    page.signal("visible");
    await bench.timers.advance(0);
    const late = bench.server.setAside();
    await store.startNew();
    bench.server.faults = [{ status: 403, body: '{"code": "permission_denied", "message": "No."}' }];
    late();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "new", error: null });
  });

  it("brings no chat back that was deleted in another tab meanwhile", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.server.holdAnswers();
    page.signal("visible");
    await bench.timers.advance(0);
    const late = bench.server.setAside();
    await bench.api().deleteSession(id);
    const seen = new Set<string>();
    bench.browser.channel("changes", () => {})?.post({ scope: "", session: id, isDeleted: true });
    await bench.timers.advance(0);
    store.subscribe(() => seen.add(store.getSnapshot().session?.id ?? ""));
    late();
    await bench.timers.advance(1000);
    expect(seen).not.toContain(id);
    expect(store.getSnapshot()).toMatchObject({ status: "new", session: null });
  });

  it("is asked for again, by a chat that knows nothing else", async () => {
    bench.server.start("", ["Why?", "Because."]);
    bench.server.holdAnswers();
    const { store } = bench.tab();
    const transcript = await transcriptHeld();
    expect(await store.end()).toBe(true);
    expect(store.getSnapshot().status).toBe("loading");
    transcript();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "ended", messages: [{}, { content: "Because." }] });
  });

  it("takes no chat off the screen that was chosen since", async () => {
    two();
    const { store, page } = await bench.openTab();
    bench.server.sessions = [];
    bench.server.holdAnswers();
    page.signal("visible");
    const transcript = await transcriptHeld();
    await store.startNew();
    const { session } = store.getSnapshot();
    transcript();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ session: { id: session?.id }, error: null });
  });
});

it("reads nothing while a message is on its way, whose answer says more", async () => {
  const { store, page } = await bench.openTab();
  bench.server.hold();
  store.send("Why?");
  page.signal("visible");
  await bench.timers.advance(0);
  expect(bench.server.count("GET", /current/)).toBe(1);
});

it("reads although a message is on its way where nothing is known yet", async () => {
  const { store, page } = await bench.openTab();
  bench.server.hold();
  store.send("Why?");
  await bench.timers.advance(0);
  bench.server.setAside();
  bench.server.faults = [{}];
  await store.openCurrent();
  expect(store.getSnapshot().status).toBe("loading");
  page.signal("visible");
  await bench.timers.advance(0);
  expect(store.getSnapshot().status).toBe("new");
});

it("asks of no session whose draft it is when the server has just named that session", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab();
  store.setDraft("And then?");
  await bench.openTab();
  await bench.timers.advance(301_000);
  expect((await bench.openTab()).store.getSnapshot().draft).toBe("And then?");
  expect(bench.server.count("GET", /sessions.s\d+$/)).toBe(0);
});

describe("an older page", () => {
  it("is dropped where it no longer joins what is shown", async () => {
    const texts = Array.from({ length: 150 }, (_, index) => `Text ${index}`);
    const long = bench.server.start("", texts).id;
    bench.server.changeSession(long, { state: "ended", end_reason: "user" });
    const { id: short } = bench.server.start("", ["Short?", "Short."]);
    const { store } = await bench.openTab();
    await store.open(long);
    await store.loadOlder();
    bench.server.holdAnswers();
    void store.loadOlder();
    await bench.timers.advance(0);
    const release = bench.server.setAside();
    await store.open(short);
    await store.open(long);
    release();
    await bench.timers.advance(1000);
    while (store.getSnapshot().hasOlder) await store.loadOlder();
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(texts);
  });
});

describe("a visitor's draft", () => {
  it.each([false, true])(
    "outlives a reload after the chat before it was deleted here (offline: %s)",
    async (offline) => {
      const { id } = bench.server.start("", ["Why?", "Because."]);
      const { store, disconnect } = await bench.openTab();
      const tabs = createTabChannel(bench.browser.channel);
      const history = createHistoryStore({ api: bench.api(), tabs, updates: bench.updates(), timers: bench.timers });
      const leave = history.connect();
      await history.remove(id);
      await bench.timers.advance(100);
      store.setDraft("And how?");
      disconnect();
      leave();
      bench.server.offline = offline;
      const { store: again } = await bench.openTab();
      expect(again.getSnapshot().draft).toBe("And how?");
    },
  );

  it("is shown to nobody else although another chat was deleted before it was left", async () => {
    const [old] = two();
    const { store, disconnect } = await bench.openTab();
    await bench.api().deleteSession(old);
    bench.browser.channel("changes", () => {})?.post({ scope: "", session: old, isDeleted: true });
    await bench.timers.advance(100);
    store.setDraft("my secret");
    disconnect();
    bench.server.sessions = [];
    bench.server.reader = "visitor with another cookie";
    const { store: theirs } = await bench.openTab();
    expect(theirs.getSnapshot().draft).toBe("");
  });

  it("goes along although the login took longer than the timeout", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const visitor = await bench.openTab();
    visitor.store.setDraft("And how?");
    visitor.disconnect();
    await bench.timers.advance(400_000);
    const { store } = await bench.openTab({ owner: "7" });
    expect(store.getSnapshot()).toMatchObject({ draft: "And how?", status: "expired" });
  });
});

it("tells who is led to another chat, as one that is continued elsewhere, that it is another", async () => {
  const [old] = two();
  const { store } = await bench.openTab({ owner: "7" });
  const other = await bench.openTab({ owner: "7" });
  await other.store.open(old);
  await bench.timers.advance(1);
  await other.store.reopen(old);
  await bench.timers.advance(1000);
  expect(store.getSnapshot()).toMatchObject({ session: { id: old }, status: "reopened" });
});

it("a draft that is sent in another tab goes from one that is only just being opened, too", async () => {
  const { store } = await bench.openTab({ owner: "7" });
  store.setDraft("Why?");
  bench.server.hold();
  const late = bench.tab({ owner: "7" });
  await bench.timers.advance(0);
  expect(late.store.getSnapshot()).toMatchObject({ draft: "Why?", status: "loading" });
  const opening = bench.server.setAside();
  bench.server.release();
  store.send("Why?");
  await bench.timers.advance(0);
  expect(late.store.getSnapshot().draft).toBe("");
  opening();
  await bench.timers.advance(1000);
  expect(late.store.getSnapshot()).toMatchObject({ draft: "", messages: [{ content: "Why?" }, {}] });
});

it("a chat that is deleted while it is opened does not come to the screen any more", async () => {
  const [old, open] = two();
  const { store } = await bench.openTab();
  const history = createHistoryStore({
    ...{ api: bench.api(), scope: "", timers: bench.timers, updates: bench.updates() },
    tabs: createTabChannel(bench.browser.channel),
  });
  history.connect();
  await bench.timers.advance(0);
  bench.server.holdAnswers();
  const opening = store.open(old);
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  await history.remove(old);
  answer();
  await opening;
  await bench.timers.advance(0);
  expect(store.getSnapshot()).toMatchObject({ session: { id: open }, readOnly: false, error: null });
});

it("what another tab was told late of a new chat does not lead away from the one that was continued since", async () => {
  const { id } = bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab();
  const other = await bench.openTab();
  bench.server.holdAnswers();
  const starting = other.store.startNew();
  await bench.timers.advance(0);
  const answer = bench.server.setAside();
  await bench.timers.advance(1000);
  await store.reopen(id);
  answer();
  await starting;
  await bench.timers.advance(0);
  expect(store.getSnapshot()).toMatchObject({ session: { id, state: "active" } });
});
