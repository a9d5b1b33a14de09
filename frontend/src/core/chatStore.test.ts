import { beforeEach, describe, expect, it } from "vitest";
import { type ChatStore, createChatStore } from "./chatStore.js";
import { ApiError } from "./errors.js";
import { ChatBench } from "./testing/chatBench.js";
import { settle } from "./testing/fakeTimers.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});

/** As the tabs of one visitor call theirs. */
const READER = "visitor";

const texts = (store: ChatStore) =>
  store.getSnapshot().entries.map((entry) => {
    if (entry.kind === "boundary") return `— ${entry.boundary.reason} ${entry.boundary.seconds}`;
    return entry.kind === "message" ? entry.message.content : `(${entry.pending.content})`;
  });

describe("arriving", () => {
  it("is loading first, then new when nothing has ever been said", async () => {
    const { store } = bench.tab();
    expect(store.getSnapshot().status).toBe("loading");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "new", session: null, entries: [] });
    expect(bench.server.seen).toHaveLength(1);
  });

  it("resumes the open session with its messages, in two requests", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    expect(store.getSnapshot()).toMatchObject({ status: "resumed", session: { id: session.id } });
    expect(texts(store)).toEqual(["Why?", "Because."]);
    expect(bench.server.seen).toHaveLength(2);
  });

  it("tells that the previous session expired, and why", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    await bench.timers.advance(720_000);
    const { store } = await bench.openTab();
    expect(store.getSnapshot()).toMatchObject({
      status: "expired",
      session: null,
      arrival: { reason: "idle" },
      previous: { id: session.id },
    });
  });

  it("tells so whatever a policy of the host's calls its reason", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(session.id, { state: "expired", end_reason: "lesson_over" });
    const { store } = await bench.openTab();
    expect(store.getSnapshot()).toMatchObject({ status: "expired", previous: { id: session.id } });
  });

  it("never extends anything by reading", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { page } = await bench.openTab();
    for (const signal of ["hidden", "visible", "restored"] as const) {
      page.signal(signal);
      await bench.timers.advance(1000);
    }
    expect(bench.server.seen.every(({ method }) => method === "GET")).toBe(true);
    expect(bench.server.find(session.id)?.last_activity_at).toBe(session.last_activity_at);
  });

  it("asks once, however often it is connected meanwhile", async () => {
    const { store, disconnect } = bench.tab();
    disconnect();
    disconnect();
    const again = store.connect();
    await bench.timers.advance(0);
    expect(bench.server.count("GET", /current/)).toBe(1);
    again();
    expect(bench.timers.count).toBe(0);
  });

  it("is offline while the server cannot be reached, and recovers by itself", async () => {
    bench.server.start("", ["Why?", "Because."]);
    bench.server.offline = true;
    const { store } = await bench.openTab();
    expect(store.getSnapshot().status).toBe("loading");
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ status: "reconnecting", error: null });
    bench.server.offline = false;
    await bench.timers.advance(30_000);
    expect(store.getSnapshot().status).toBe("resumed");
  });

  it("is offline or reconnecting by what its own questions meet, where no news come", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const noNews = { join: () => ({ await() {}, renew() {}, leave() {} }) };
    const { store, page } = await bench.openTab({ updates: noNews });
    bench.server.offline = true;
    page.signal("visible");
    await bench.timers.advance(900);
    expect(store.getSnapshot().status).toBe("resumed");
    await bench.timers.advance(100);
    expect(store.getSnapshot().status).toBe("reconnecting");
    page.online = false;
    await bench.timers.advance(5000);
    expect(store.getSnapshot().status).toBe("offline");
  });

  it("is not reconnecting by what was asked before the last answer, and fails", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    const noNews = { join: () => ({ await() {}, renew() {}, leave() {} }) };
    const { store } = await bench.openTab({ updates: noNews });
    bench.server.hold();
    for (const other of ["s0002", "s0003"]) void store.open(other);
    const goOn = bench.server.setAside();
    await store.open(id);
    bench.server.offline = true;
    goOn();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "active", session: { id }, error: null });
  });

  it("says what the server said when it refuses", async () => {
    bench.server.faults = [{ status: 401, body: '{"code":"not_authenticated","message":"Sign in.","field":null}' }];
    const { store } = await bench.openTab();
    expect(store.getSnapshot()).toMatchObject({
      status: "new",
      error: { code: "not_authenticated", message: "Sign in." },
    });
    store.dismissError();
    expect(store.getSnapshot().error).toBeNull();
  });
});

describe("a new session by itself", () => {
  it("begins after expiry with a boundary, and keeps what was shown", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(720_000);
    expect(store.getSnapshot()).toMatchObject({ status: "expired", session: { id: old.id } });
    expect(texts(store)).toEqual(["Why?", "Because."]);
    store.send("And then?");
    await bench.timers.advance(0);
    expect(texts(store)).toEqual(["Why?", "Because.", "— idle 720", "And then?", ""]);
    expect(store.getSnapshot()).toMatchObject({ status: "active", previous: { id: old.id } });
    expect(store.getSnapshot().session?.id).not.toBe(old.id);
  });

  it("goes back with one reopen, and restores the context", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(720_000);
    store.send("And then?");
    await bench.timers.advance(0);
    bench.server.finish("Later.");
    await bench.timers.advance(2000);
    expect(await store.reopen(old.id)).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: "reopened", session: { id: old.id, state: "active" } });
    expect(texts(store)).toEqual(["Why?", "Because."]);
  });

  it("names no session that it knows to have ended on purpose", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    expect(await store.end()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: "ended", previous: { id } });
    store.send("And then?");
    await bench.timers.advance(0);
    expect(texts(store)).toEqual(["Why?", "Because.", "— user 0", "And then?", ""]);
    expect(bench.server.seen.at(-1)?.body).not.toHaveProperty("session");
  });

  it("starts empty when the reader asks for a new chat", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    expect(await store.startNew()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: "new", entries: [], previous: { id: old.id } });
  });
});

describe("expiry in an open tab", () => {
  it("says nothing of a new chat in which nothing was said, and offers the one before", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await store.startNew();
    const seen = new Set<string>();
    store.subscribe(() => seen.add(store.getSnapshot().status));
    await bench.timers.advance(400_000);
    expect([...seen, store.getSnapshot().status].filter((status) => status !== "new")).toEqual([]);
    expect(store.getSnapshot().session?.state).not.toBe("active");
    store.send("Something new");
    await bench.timers.advance(0);
    expect(store.getSnapshot().status).toBe("active");
    expect(bench.server.messages.at(-1)?.session).not.toBe(old.id);
  });

  it("warns for the last minute, counts down, and stays when kept", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(239_000);
    expect(store.getSnapshot()).toMatchObject({ status: "resumed", remainingSeconds: null });
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ status: "expiring", remainingSeconds: 60 });
    await bench.timers.advance(15_000);
    expect(store.getSnapshot().remainingSeconds).toBe(45);
    expect(await store.keep()).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: "active", remainingSeconds: null });
    await bench.timers.advance(239_000);
    expect(store.getSnapshot().status).toBe("active");
  });

  it("loses nothing: transcript and draft stay, and the chat can be continued", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    store.setDraft("half a thou");
    await bench.timers.advance(300_000);
    expect(store.getSnapshot()).toMatchObject({ status: "expired", draft: "half a thou" });
    expect(texts(store)).toEqual(["Why?", "Because."]);
    expect(await store.reopen(session.id)).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ status: "reopened", draft: "half a thou" });
  });

  it("trusts the server's clock, not its own", async () => {
    bench.server.skew = -3_600_000;
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(299_000);
    expect(store.getSnapshot().status).toBe("expiring");
    await bench.timers.advance(1000);
    expect(store.getSnapshot().status).toBe("expired");
  });

  it("finds out on wake when the device slept", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.timers.sleep(400_000);
    expect(store.getSnapshot().status).toBe("resumed");
    page.signal("visible");
    expect(store.getSnapshot().status).toBe("expired");
  });

  it("takes the server's word when another device kept the session open", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(200_000);
    const later = new Date(bench.timers.now() + 300_000).toISOString();
    bench.server.changeSession(session.id, { expires_at: later });
    await bench.timers.advance(100_000);
    expect(store.getSnapshot()).toMatchObject({ status: "resumed", session: { state: "active" }, previous: null });
  });

  it("does not ask in a loop while the server still holds open what we called over", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    await bench.openTab();
    bench.server.changeSession(session.id, { running: true });
    await bench.timers.advance(310_000);
    expect(bench.server.seen.length).toBeLessThan(30);
  });

  it("cannot expire while an answer is written", async () => {
    const { store } = await bench.openTab();
    store.send("Why?");
    await bench.timers.advance(400_000);
    expect(store.getSnapshot()).toMatchObject({ status: "active", running: "waiting" });
    bench.server.finish("Because.");
    await bench.timers.advance(2000);
    expect(store.getSnapshot()).toMatchObject({ status: "active", running: null });
  });
});

describe("activity", () => {
  it("is reported at once, then at most every 30 seconds", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(30_000);
    store.touch();
    expect(bench.server.count("POST", /touch/)).toBe(1);
    for (let second = 0; second < 65; second += 1) {
      store.touch();
      await bench.timers.advance(1000);
    }
    expect(bench.server.count("POST", /touch/)).toBe(3);
  });

  it("is reported more often when the timeout is short", async () => {
    bench.server.timeout = 8000;
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    for (let second = 0; second < 20; second += 1) {
      store.touch();
      await bench.timers.advance(1000);
    }
    expect(store.getSnapshot().session?.state).toBe("active");
  });

  it("is reported every 30 seconds of a session that never expires", async () => {
    bench.server.timeout = null;
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(60_000);
    for (let step = 0; step < 20; step += 1) {
      store.touch();
      await bench.timers.advance(200);
    }
    expect(bench.server.count("POST", /touch/)).toBe(1);
  });

  it("is not reported for a session that is over", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.timers.advance(300_000);
    store.touch();
    expect(await store.keep()).toBe(false);
    await bench.timers.advance(60_000);
    expect(bench.server.count("POST", /touch/)).toBe(0);
  });
});

describe("older sessions and pages", () => {
  it("shows an older session read-only, and comes back", async () => {
    const old = bench.server.start("", ["Old question", "Old answer"]);
    await bench.timers.advance(400_000);
    const { store } = await bench.openTab();
    store.send("New question");
    await bench.timers.advance(0);
    await store.open(old.id);
    expect(store.getSnapshot()).toMatchObject({ status: "expired", readOnly: true, session: { id: old.id } });
    expect(store.send("Not here")).toBeNull();
    await store.openCurrent();
    expect(store.getSnapshot().readOnly).toBe(false);
    expect(texts(store)).toEqual(["— idle 400", "New question", ""]);
  });

  it("says so when the session to open does not exist", async () => {
    const { store } = await bench.openTab();
    await store.open("nobody");
    expect(store.getSnapshot().error).toMatchObject({ code: "not_found" });
  });

  it("loads older messages page by page, without doubles", async () => {
    bench.server.start(
      "",
      Array.from({ length: 120 }, (_, index) => `message ${index}`),
    );
    const { store } = await bench.openTab();
    expect(store.getSnapshot()).toMatchObject({ hasOlder: true });
    expect(store.getSnapshot().messages).toHaveLength(50);
    await Promise.all([store.loadOlder(), store.loadOlder()]);
    expect(store.getSnapshot().messages).toHaveLength(100);
    await store.loadOlder();
    expect(store.getSnapshot()).toMatchObject({ hasOlder: false, loadingOlder: false });
    expect(store.getSnapshot().messages.map(({ position }) => position)).toEqual([...Array(120).keys()]);
    await store.loadOlder();
    expect(bench.server.count("GET", /messages/)).toBe(3);
  });

  it("keeps what it has when an older page cannot be loaded", async () => {
    bench.server.start(
      "",
      Array.from({ length: 60 }, (_, index) => `message ${index}`),
    );
    const { store } = await bench.openTab();
    bench.server.faults = [{}];
    await store.loadOlder();
    expect(store.getSnapshot()).toMatchObject({ hasOlder: true, loadingOlder: false, error: { code: "network" } });
    expect(store.getSnapshot().messages).toHaveLength(50);
  });
});

describe("two tabs", () => {
  it("converge on what one of them sends, reply included", async () => {
    const one = await bench.openTab();
    const two = await bench.openTab();
    one.store.send("Why?");
    await bench.timers.advance(0);
    expect(texts(two.store)).toEqual(["Why?", ""]);
    bench.server.finish("Because.");
    await bench.timers.advance(3000);
    expect(texts(one.store)).toEqual(["Why?", "Because."]);
    expect(texts(two.store)).toEqual(["Why?", "Because."]);
  });

  it("converge on the new session after expiry, each with its own boundary", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const one = await bench.openTab();
    const two = await bench.openTab();
    await bench.timers.advance(300_000);
    one.store.send("And then?");
    await bench.timers.advance(0);
    expect(texts(two.store)).toEqual(["Why?", "Because.", "— idle 300", "And then?", ""]);
    expect(two.store.getSnapshot().session?.id).toBe(one.store.getSnapshot().session?.id);
  });

  it("see what one of them was told, without asking for it", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    const reads = bench.server.count("GET", /./);
    one.store.send("And then?");
    await bench.timers.advance(0);
    expect(two.store.getSnapshot()).toMatchObject({ running: "waiting", session: { message_count: 4 } });
    expect(bench.server.count("GET", /./)).toBe(reads);
  });

  it("see an answer arrive above the boundary that another tab has set", async () => {
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    one.store.send("Why?");
    await bench.timers.advance(0);
    await two.store.startNew();
    await bench.timers.advance(0);
    expect(texts(one.store)).toEqual(["Why?", "", "— user 0"]);
    bench.server.finish("Because.");
    await bench.timers.advance(41_000);
    expect(texts(one.store)).toEqual(["Why?", "Because.", "— user 0"]);
  });

  it("do not go on offering what one of them has sent", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const one = await bench.openTab();
    one.store.setDraft("And then?");
    const two = await bench.openTab();
    expect(two.store.getSnapshot().draft).toBe("And then?");
    one.store.send("And then?");
    await bench.timers.advance(0);
    expect(two.store.getSnapshot().draft).toBe("");
  });

  it("are not led back by an answer that was under way", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.server.holdAnswers();
    page.signal("visible");
    await bench.timers.advance(0);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
    const next = bench.server.start("", ["Next"]);
    const shown = new Set<string | undefined>();
    store.subscribe(() => shown.add(store.getSnapshot().session?.id));
    const arrival = { status: "new", reason: "user", previous: old } as const;
    bench.browser
      .channel("changes", () => {})
      ?.post({ scope: "", session: next.id, answer: { reader: READER, arrival, session: next, messages: [] } });
    expect(store.getSnapshot().session?.id).toBe(next.id);
    bench.server.release();
    await bench.timers.advance(0);
    expect([...shown]).toEqual([next.id]);
    expect(texts(store).at(-1)).toBe("Next");
  });

  it("are not led back by what one of them was told of an older session", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
    const next = bench.server.start("", ["Next"]);
    const { store } = await bench.openTab();
    const shown = new Set<string | undefined>();
    store.subscribe(() => shown.add(store.getSnapshot().session?.id));
    // A message that is sent once more is answered with the session that has it, wherever the chat is by now.
    const arrival = { status: "resumed", reason: "open", previous: null } as const;
    const tell = bench.browser.channel("changes", () => {});
    tell?.post({
      scope: "",
      session: old.id,
      answer: { reader: READER, arrival, session: { ...old, state: "expired" } },
    });
    await bench.timers.advance(0);
    expect([...shown]).toEqual([next.id]);
    expect(texts(store)).toEqual(["Next"]);
  });

  it("show no row twice when one of them continues the previous chat", async () => {
    bench.server.replies = false;
    bench.server.start("", ["Old?", "Old."]);
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    await bench.timers.advance(301_000);
    one.store.send("New");
    await bench.timers.advance(1000);
    await two.store.reopen(two.store.getSnapshot().previous?.id ?? "");
    await bench.timers.advance(1000);
    expect(texts(one.store)).toEqual(["Old?", "Old."]);
  });

  it("take messages for those of the session that they are in", async () => {
    bench.server.replies = false;
    const old = bench.server.start("", ["Old?", "Old."]);
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    await bench.timers.advance(301_000);
    bench.server.hold();
    one.store.send("New");
    const send = bench.server.setAside();
    await one.store.open(old.id);
    send();
    await bench.timers.advance(0);
    expect(one.store.getSnapshot()).toMatchObject({ readOnly: true, session: { id: old.id } });
    expect(texts(two.store)).toEqual(["Old?", "Old.", "— idle 301", "New"]);
  });

  it("are not led into a session that is over", async () => {
    const { store } = await bench.openTab();
    const over = { ...bench.server.start("", ["Why?"]), state: "expired" } as const;
    bench.server.changeSession(over.id, { state: "expired" });
    const arrival = { status: "resumed", reason: "open", previous: null } as const;
    bench.browser
      .channel("changes", () => {})
      ?.post({ scope: "", session: over.id, answer: { reader: READER, arrival, session: over } });
    expect(store.getSnapshot().session).toBeNull();
  });

  it("both say that a new chat was started", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const one = await bench.openTab();
    const two = await bench.openTab();
    await one.store.startNew();
    await bench.timers.advance(0);
    expect([one, two].map(({ store }) => store.getSnapshot().status)).toEqual(["new", "new"]);
  });

  it("keep each other's session open", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const one = await bench.openTab();
    const two = await bench.openTab();
    await bench.timers.advance(250_000);
    await one.store.keep();
    await bench.timers.advance(0);
    expect(two.store.getSnapshot()).toMatchObject({ status: "resumed", remainingSeconds: null });
  });

  it("of two people do not show each other's chats", async () => {
    const other = new ChatBench();
    other.server.reader = "somebody else";
    const one = bench.tab({ owner: "1" });
    const two = bench.tab({ owner: "2", api: other.api() });
    const advance = () => Promise.all([bench.timers.advance(0), other.timers.advance(0)]);
    await advance();
    one.store.send("My secret");
    await advance();
    expect(texts(one.store)[0]).toBe("My secret");
    expect(texts(two.store)).toEqual([]);
  });

  it("do not disturb other scopes", async () => {
    const one = await bench.openTab({ scope: "subject:1" });
    await bench.openTab({ scope: "subject:2" });
    const before = bench.server.count("GET", /current.scope=subject%3A2/);
    one.store.send("Why?");
    await bench.timers.advance(0);
    expect(bench.server.count("GET", /current.scope=subject%3A2/)).toBe(before);
  });
});

describe("verbs that cannot be done", () => {
  it("say so and change nothing", async () => {
    const { store } = await bench.openTab();
    expect(await store.end()).toBe(false);
    expect(await store.reopen("nobody")).toBe(false);
    expect(store.getSnapshot()).toMatchObject({ status: "new", error: { code: "not_found" } });
    bench.server.faults = [{}];
    expect(await store.startNew()).toBe(false);
    expect(store.getSnapshot()).toMatchObject({ status: "new", session: null });
  });

  it.each(["startNew", "end", "keep", "loadOlder", "open", "reopen"] as const)(
    "say so without a connection: %s",
    async (verb) => {
      const texts = Array.from({ length: 60 }, (_, index) => `message ${index}`);
      const { id } = bench.server.start("", texts);
      const { store } = await bench.openTab();
      bench.server.offline = true;
      await store[verb](id);
      expect(store.getSnapshot()).toMatchObject({ error: { code: "network" }, session: { id } });
      bench.server.offline = false;
      await store.load();
      expect(store.getSnapshot().error).toBeNull();
    },
  );

  it("say nothing of what could not be read after they were done", async () => {
    const old = bench.server.start("", ["Old?", "Old."]);
    await bench.api().startSession({});
    const getTranscript = () => Promise.reject(new ApiError({ status: 503 }));
    const { store } = await bench.openTab({ api: { ...bench.api(), getTranscript } });
    expect(await store.reopen(old.id)).toBe(true);
    expect(store.getSnapshot()).toMatchObject({ session: { id: old.id, state: "active" }, error: null });
  });

  it("nobody has asked for say nothing", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    bench.server.offline = true;
    store.touch();
    await bench.timers.advance(0);
    expect(store.getSnapshot().error).toBeNull();
  });

  it("a message written while a new chat is on its way goes into that one", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    bench.server.hold();
    const started = store.startNew();
    await bench.timers.advance(0);
    store.send("Something new");
    await bench.timers.advance(0);
    bench.server.release();
    await started;
    await bench.timers.advance(0);
    expect(store.getSnapshot().session?.id).toBe(bench.server.messages.at(-1)?.session);
    expect(texts(store)).toEqual(["Something new", ""]);
  });

  it("a message written while a new chat could not be started goes on in the old one", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    bench.server.hold();
    const started = store.startNew();
    await bench.timers.advance(0);
    store.send("Something new");
    bench.server.faults = [{}];
    bench.server.release();
    expect(await started).toBe(false);
    await bench.timers.advance(2000);
    expect(bench.server.messages.at(-1)?.session).toBe(id);
  });

  it("a touch that is answered too late does not bring the old session back", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    bench.server.hold();
    const kept = store.keep();
    const started = store.startNew();
    bench.server.release();
    await Promise.all([kept, started]);
    expect(store.getSnapshot()).toMatchObject({ status: "new", entries: [] });
  });

  it("a read that is overtaken by a verb is dropped", async () => {
    const old = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.server.hold();
    page.signal("visible");
    const opened = store.open(old.id);
    const started = store.startNew();
    bench.server.release();
    await Promise.all([opened, started]);
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "new", entries: [] });
    expect(store.getSnapshot().session?.id).not.toBe(old.id);
  });
});

describe("a long absence", () => {
  it("replaces what is shown when too much happened meanwhile, and older pages are still reachable", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.server.replies = false;
    for (let index = 0; index < 80; index += 1) {
      await bench
        .api()
        .sendMessage({ content: `from a phone ${index}`, key: `phone-${index}-key`, session: session.id });
    }
    page.signal("visible");
    await bench.timers.advance(0);
    expect(store.getSnapshot().messages).toHaveLength(50);
    expect(store.getSnapshot()).toMatchObject({ hasOlder: true });
    await store.loadOlder();
    expect(store.getSnapshot().messages.map(({ position }) => position)).toEqual([...Array(82).keys()]);
  });
});

describe("a session that is gone", () => {
  it("disappears from the screen only when the server confirms it", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    bench.server.sessions = bench.server.sessions.filter(({ id }) => id !== session.id);
    page.signal("visible");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ session: null, entries: [] });
  });

  it("is said to be gone, for its reader may not be signed in any more", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    store.setDraft("half a thou");
    bench.server.sessions = bench.server.sessions.filter(({ id }) => id !== session.id);
    page.signal("visible");
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ error: { code: "gone" }, draft: "half a thou" });
    page.signal("visible");
    await bench.timers.advance(1000);
    expect(store.getSnapshot().error?.code).toBe("gone");
    store.dismissError();
    expect(store.getSnapshot().error).toBeNull();
  });

  it("is no longer said to be gone once it is back, as after a login that another tab has made", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    const { sessions } = bench.server;
    bench.server.sessions = [];
    page.signal("visible");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ error: { code: "gone" }, messages: [] });
    bench.server.sessions = sessions;
    page.signal("visible");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ error: null, messages: [{}, {}] });
  });

  it("is looked for again by itself, for a login elsewhere may not be known here yet, and then followed", async () => {
    bench.server.streams.refusal = null;
    bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    const streams = () => bench.server.looks.filter(({ isStream }) => isStream).length;
    const { sessions } = bench.server;
    bench.server.sessions = [];
    page.signal("visible");
    await bench.timers.advance(5000);
    const before = streams();
    bench.server.sessions = sessions;
    await bench.timers.advance(10_000);
    expect(store.getSnapshot()).toMatchObject({ error: null, messages: [{}, {}] });
    expect(streams()).toBe(before + 1);
  });

  it("is not looked for without an end", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { page } = await bench.openTab();
    bench.server.sessions = [];
    page.signal("visible");
    await bench.timers.advance(40_000);
    const before = bench.server.seen.length;
    await bench.timers.advance(120_000);
    expect(bench.server.seen).toHaveLength(before);
  });

  it("is not said to be gone where it was deleted in this browser", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    await bench.api().deleteSession(session.id);
    bench.browser.channel("changes", () => {})?.post({ scope: "", session: session.id, isDeleted: true });
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: null, entries: [], error: null, status: "new" });
  });

  it("stays on screen when the server merely does not mention it", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    await bench.timers.advance(301_000);
    const newer = bench.server.start("", ["Elsewhere"]);
    bench.server.changeSession(newer.id, { state: "ended", end_reason: "user" });
    page.signal("visible");
    await bench.timers.advance(0);
    expect(texts(store)).toEqual(["Why?", "Because."]);
  });
});

describe("the draft", () => {
  it("survives a refresh", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("half a thou");
    first.disconnect();
    const second = await bench.openTab();
    expect(second.store.getSnapshot().draft).toBe("half a thou");
  });

  it("is not shown to somebody else at the same browser", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("my secret");
    first.disconnect();
    bench.server.sessions = [];
    bench.server.reader = "visitor with another cookie";
    const second = await bench.openTab();
    expect(second.store.getSnapshot().draft).toBe("");
    expect([...bench.browser.storage.values.values()].join()).not.toContain("secret");
  });

  it("is not stored for whoever is here once its writer's chats were erased", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store } = await bench.openTab();
    store.setDraft("my secret");
    bench.server.sessions = [];
    bench.server.reader = "visitor with another cookie";
    await store.load();
    expect(store.getSnapshot().draft).toBe("my secret"); // whoever is here can see it
    expect(bench.browser.storage.text).not.toContain("secret");
    store.setDraft("and mine");
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("and mine");
  });

  it("stays its writer's until the server says whose chat is on screen", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("my secret");
    bench.server.sessions = [];
    bench.server.reader = "visitor with another cookie";
    bench.server.holdAnswers();
    const loading = first.store.load();
    await settle();
    bench.server.faults = [{ status: 503 }]; // to whether the chat on screen is gone
    bench.server.release();
    await loading;
    first.disconnect();
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("");
  });

  it("comes back when the reader's own chat went on elsewhere", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("half a thou");
    first.disconnect();
    await bench.api().startSession({});
    await bench.api().startSession({});
    await bench.api().sendMessage({ content: "Elsewhere", key: "phone-key" });
    const second = await bench.openTab();
    expect(second.store.getSnapshot().draft).toBe("half a thou");
    expect(bench.server.count("GET", new RegExp(`/sessions/${session.id}$`))).toBe(0); // by its reader's name
  });

  it("comes back when the chat it was written in is gone, and its visitor the same", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("half a thou");
    first.disconnect();
    bench.server.sessions = [];
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("half a thou");
  });

  it("comes back also when its writer has logged in before the chat was gone", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("half a thou");
    bench.server.reader = "ada";
    await first.store.load();
    first.disconnect();
    bench.server.sessions = [];
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("half a thou");
  });

  it("waits until it is known whose it is", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const first = await bench.openTab();
    first.store.setDraft("half a thou");
    first.disconnect();
    bench.server.reader = "a user, whose login has moved the chat";
    await bench.api().startSession({});
    await bench.api().sendMessage({ content: "Elsewhere", key: "phone-key" });
    const second = bench.tab();
    // The first request is answered already; the one that asks whose draft it is is not.
    bench.server.offline = true;
    await bench.timers.advance(500);
    expect(second.store.getSnapshot().draft).toBe("");
    bench.server.offline = false;
    await bench.timers.advance(5000);
    expect(second.store.getSnapshot().draft).toBe("half a thou");
  });

  it("of a visitor goes on in the chat that the login has moved", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const visitor = await bench.openTab();
    visitor.store.setDraft("half a thou");
    visitor.disconnect();
    expect((await bench.openTab({ owner: "7" })).store.getSnapshot().draft).toBe("half a thou");
    const again = await bench.openTab();
    expect(again.store.getSnapshot().draft).toBe("");
  });

  it("of a visitor is not given to whoever signs in with chats of their own", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const visitor = await bench.openTab();
    visitor.store.setDraft("my secret");
    visitor.disconnect();
    bench.server.sessions = [];
    bench.server.start("", ["Mine", "Indeed."]);
    expect((await bench.openTab({ owner: "7" })).store.getSnapshot().draft).toBe("");
  });

  it("of each tab survives its own reload", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    two.store.setDraft("a long text in tab two");
    one.store.setDraft("Hi");
    one.store.send("Hi");
    await bench.timers.advance(0);
    two.page.signal("hidden");
    two.disconnect();
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("a long text in tab two");
  });

  it("that another tab is sending does not come back by a page that shows it and goes", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const one = await bench.openTab();
    one.store.setDraft("And then?");
    const two = await bench.openTab();
    expect(two.store.getSnapshot().draft).toBe("And then?");
    bench.server.hold();
    one.store.send("And then?");
    two.page.signal("hidden");
    two.disconnect();
    bench.server.release();
    await bench.timers.advance(0);
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("");
  });

  it("of another tab is not overwritten by a page that comes back", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const one = await bench.openTab();
    const two = await bench.openTab();
    one.store.setDraft("mine");
    two.store.setDraft("another");
    one.page.signal("visible");
    await bench.timers.advance(0);
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("another");
  });

  it("is not written again by a page that goes when everything was cleared, as at a logout", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { store, page } = await bench.openTab();
    store.setDraft("my secret");
    bench.browser.storage.values.clear();
    page.signal("hidden");
    expect([...bench.browser.storage.values]).toEqual([]);
  });

  it("is kept apart by owner even before there is a session", async () => {
    const first = await bench.openTab({ owner: "1" });
    first.store.setDraft("my secret");
    const second = await bench.openTab({ owner: "2" });
    expect(second.store.getSnapshot().draft).toBe("");
  });

  it.each([[[]], [["Why?", "Because."]]])("typed while loading comes after the stored one (%j)", async (texts) => {
    if (texts.length > 0) bench.server.start("", texts);
    const first = await bench.openTab();
    first.store.setDraft("stored");
    first.disconnect();
    const second = bench.tab();
    second.store.setDraft(`${second.store.getSnapshot().draft}typed`);
    await bench.timers.advance(0);
    const { draft, durable } = second.store.getSnapshot();
    expect([draft.replace("\n", ""), durable]).toEqual(["storedtyped", true]);
    expect(bench.browser.storage.text).toContain("typed");
    second.disconnect();
    expect((await bench.openTab()).store.getSnapshot().draft).toBe(draft);
  });

  it("of a visitor without a chat survives a reload before the server's first answer", async () => {
    bench.server.offline = true;
    const first = await bench.openTab();
    first.store.setDraft("a long question");
    first.disconnect();
    const second = await bench.openTab();
    expect(second.store.getSnapshot().draft).toBe("a long question");
  });

  it("is not kept for the reader before while nobody knows who types", async () => {
    bench.server.start("", ["Ada?", "Ada."]);
    (await bench.openTab()).disconnect();
    bench.server.offline = true;
    const bob = await bench.openTab();
    bob.store.setDraft("Bob's secret");
    expect(bob.store.getSnapshot().durable).toBe(false);
    bob.page.signal("hidden");
    bob.disconnect();
    bench.server.offline = false;
    expect((await bench.openTab()).store.getSnapshot().draft).toBe("");
  });

  it("is all that is stored of what anybody wrote", async () => {
    const { store } = await bench.openTab();
    store.setDraft("Why is the sky blue?");
    store.send("Why is the sky blue?");
    await bench.timers.advance(0);
    bench.server.finish("Scattering.");
    await bench.timers.advance(3000);
    expect([...bench.browser.storage.values.values()].join()).not.toMatch(/sky|Scattering/);
  });
});

describe("a chat of which only the server is given", () => {
  it("uses what the browser has", async () => {
    const session = bench.server.start("", ["Why?", "Because."]);
    const store = createChatStore({ api: bench.api() });
    const disconnect = store.connect();
    await settle();
    expect(store.getSnapshot()).toMatchObject({ status: "resumed", session: { id: session.id } });
    disconnect();
  });
});

it("what did not succeed is not said any more once it has", async () => {
  bench.server.start("", [...Array(120).keys()].map(String));
  const { store } = await bench.openTab();
  const told = async (verb: () => Promise<unknown>) => {
    bench.server.faults = [{}];
    await verb();
    const { error } = store.getSnapshot();
    await verb();
    return [error?.code, store.getSnapshot().error];
  };
  const once = ["network", null];
  expect(await told(store.loadOlder)).toEqual(once);
  expect(await told(store.keep)).toEqual(once);
  store.send("Why?");
  await bench.timers.advance(0);
  expect(await told(store.stop)).toEqual(once);
  expect(await told(store.retryReply)).toEqual(once);
  expect(await told(store.end)).toEqual(once);
});

it("an activity that is reported by itself does not take back what was said to the reader", async () => {
  bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab();
  bench.server.faults = [{}];
  await store.end();
  await bench.timers.advance(31_000);
  store.touch();
  await bench.timers.advance(0);
  expect(bench.server.count("POST", /touch/)).toBe(1);
  expect(store.getSnapshot().error).toMatchObject({ code: "network" });
});

describe("what comes too late", () => {
  it("a page that was read is dropped when a verb was faster", async () => {
    const old = bench.server.start("", ["Old", "Older"]);
    await bench.timers.advance(400_000);
    const { store } = await bench.openTab();
    bench.server.holdAnswers();
    const [opened, later] = [store.open(old.id), store.open(old.id)];
    bench.server.release();
    await Promise.all([opened, later]);
    expect(store.getSnapshot()).toMatchObject({ readOnly: true, session: { id: old.id } });
    bench.server.holdAnswers();
    const failing = store.open("nobody");
    const started = store.startNew();
    bench.server.release();
    await Promise.all([failing, started]);
    expect(store.getSnapshot()).toMatchObject({ status: "new", error: null });
  });

  it("choices that are no longer there to be made do nothing", async () => {
    const { store } = await bench.openTab();
    await store.retryInEnded("nobody");
    store.retryInCurrent("nobody");
    store.retry("nobody");
    store.discard("nobody");
    store.touch();
    await bench.timers.advance(0);
    expect(bench.server.seen).toHaveLength(1);
  });

  it("a chat that left the page takes no more news, and still knows its draft", async () => {
    const { store, disconnect } = await bench.openTab();
    disconnect();
    store.setDraft("half a thou");
    expect(store.getSnapshot().draft).toBe("half a thou");
    expect(bench.timers.count).toBe(0);
  });
});

it("warns a minute before a fixed end, such as midnight, also while somebody types", async () => {
  const midnight = bench.timers.now() + 600_000;
  bench.server.lastsUntil = midnight;
  bench.server.start("", ["Why?", "Because."]);
  const { store } = await bench.openTab({ owner: "7" });
  const warned: number[] = [];
  store.subscribe(() => {
    if (store.getSnapshot().status === "expiring") warned.push(midnight - bench.timers.now());
  });
  for (let second = 0; second < 598; second += 1) {
    store.touch();
    await bench.timers.advance(1000);
  }
  expect(warned[0]).toBe(60_000);
  expect(warned.length).toBeGreaterThan(50);
});
