import { beforeEach, describe, expect, it } from "vitest";
import type { ChatStore } from "./chatStore.js";
import type { UpdatesListener } from "./liveUpdates.js";
import { newsRules } from "./newsRules.js";
import { createSharedUpdates } from "./sharedUpdates.js";
import { ChatBench, FakePage } from "./testing/chatBench.js";
import type { News } from "./updatesReader.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
  bench.server.streams.refusal = null;
  // Not the reader's first chat, with which a visitor only gets a name.
  const { id } = bench.server.start("", ["Old"]);
  bench.server.changeSession(id, { state: "ended", end_reason: "user" });
});

const last = (store: ChatStore) => store.getSnapshot().messages.at(-1);
const streams = () => bench.server.looks.filter(({ isStream }) => isStream).length;
const polls = () => bench.server.looks.length - streams();

async function ask(text = "Why?") {
  const tab = await bench.openTab();
  tab.store.send(text);
  await bench.timers.advance(0);
  return tab;
}

const NO_NEWS: News = {
  ...{ cursor: "c", sessions: [], messages: [], deltas: [], history_changed: false, server_time: "", isWhole: false },
};

/** A tab that has asked, and can be told what no server has said. */
async function askAndTell() {
  const page = new FakePage();
  let listener: UpdatesListener | undefined;
  const real = bench.updates(page);
  const join = (given: UpdatesListener) => {
    listener = given;
    return real.join(given);
  };
  const store = bench.store({ updates: { join } }, page);
  store.connect();
  await bench.timers.advance(0);
  store.send("Why?");
  return { store, tell: (news: Partial<News>) => listener?.news({ ...NO_NEWS, ...news }, newsRules) };
}

describe("a stream", () => {
  it("brings the answer as it is written, without a single poll", async () => {
    const { store, disconnect } = await ask();
    for (const text of ["Bec", "Because 🧊", "Because 🧊 floats"]) {
      bench.server.write(text);
      await bench.timers.advance(0);
      expect(last(store)).toMatchObject({ content: text, state: "running" });
    }
    expect(store.getSnapshot().running).toBe("writing");
    bench.server.finish("Because 🧊 floats.");
    await bench.timers.advance(0);
    expect(last(store)).toMatchObject({ content: "Because 🧊 floats.", state: "answered" });
    expect([streams(), polls()]).toEqual([1, 0]);
    expect(bench.server.count("GET", /messages/)).toBe(0);
    disconnect();
    await bench.timers.advance(0);
    expect([bench.server.streams.count, bench.timers.count]).toEqual([0, 0]);
  });

  it("that the server ends is opened again with the cursor, and nobody notices", async () => {
    const { store } = await ask();
    bench.server.write("Bec");
    await bench.timers.advance(60_000);
    bench.server.streams.end();
    await bench.timers.advance(0);
    expect(store.getSnapshot().running).toBe("writing");
    bench.server.write("Because");
    await bench.timers.advance(1000);
    expect(last(store)?.content).toBe("Because");
    expect(bench.server.looks.at(-1)?.since).not.toBeNull();
    expect(streams()).toBe(2);
  });

  it("of whoever was logged in before is opened anew, once, when another tab has logged somebody in", async () => {
    const { page } = await bench.openTab();
    await bench.timers.advance(1000);
    expect(streams()).toBe(1);
    bench.server.reader = "ada";
    page.signal("visible");
    await bench.timers.advance(1000);
    page.signal("visible");
    await bench.timers.advance(1000);
    expect([streams(), bench.server.streams.count]).toEqual([2, 1]);
  });

  it("that goes on from its cursor says nothing of what has not changed", async () => {
    await ask();
    await bench.timers.advance(60_000);
    bench.server.streams.end();
    await bench.timers.advance(1000);
    const before = bench.server.seen.length;
    bench.server.start("subject:2", ["Elsewhere"]);
    await bench.timers.advance(0);
    expect(streams()).toBe(2);
    expect(bench.server.seen).toHaveLength(before);
  });

  it("that breaks is reconnecting, never done, and goes on from its cursor", async () => {
    const { store } = await ask();
    bench.server.write("Bec");
    await bench.timers.advance(0);
    bench.server.offline = true;
    bench.server.streams.cut();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ running: "reconnecting", status: "active" });
    expect(last(store)).toMatchObject({ content: "Bec", state: "running" });
    await bench.timers.advance(20_000);
    expect(store.getSnapshot()).toMatchObject({ running: "reconnecting", status: "reconnecting" });
    bench.server.offline = false;
    bench.server.write("Because");
    await bench.timers.advance(4000);
    expect(store.getSnapshot()).toMatchObject({ running: "writing", status: "active" });
    expect(last(store)?.content).toBe("Because");
    expect([bench.server.streams.count, polls()]).toEqual([1, 0]);
  });

  it("that falls silent is broken", async () => {
    const { store } = await ask();
    bench.server.streams.isSilent = true;
    bench.server.finish("Because.");
    await bench.timers.advance(35_000);
    expect(store.getSnapshot().running).toBe("reconnecting");
    bench.server.streams.isSilent = false;
    await bench.timers.advance(4000);
    expect(last(store)?.content).toBe("Because.");
  });

  it("that is kept back gives way to polls soon, and is tried again later", async () => {
    bench.server.streams.isSilent = true;
    const { store } = await ask();
    bench.server.write("Bec");
    await bench.timers.advance(9900);
    expect(polls()).toBe(0);
    await bench.timers.advance(200);
    expect(last(store)?.content).toBe("Bec");
    expect([streams(), bench.server.streams.count]).toEqual([1, 0]);
    bench.server.streams.isSilent = false;
    await bench.timers.advance(302_000);
    expect([streams(), bench.server.streams.count]).toEqual([2, 1]);
    const before = polls();
    await bench.timers.advance(30_000);
    expect(polls()).toBe(before);
  });

  it("gives way to polls where it is always cut off at once, and not where it bears fruit in between", async () => {
    const cutOff = async (times: number) => {
      bench.server.streams.isSilent = true;
      for (let time = 0; time < times; time += 1) {
        bench.server.streams.end();
        await bench.timers.advance(4500);
      }
      bench.server.streams.isSilent = false;
    };
    await ask();
    await cutOff(2);
    bench.server.write("Bec");
    await bench.timers.advance(5000);
    await cutOff(2);
    expect(polls()).toBe(0);
    await bench.timers.advance(5000);
    await cutOff(4);
    expect(polls()).toBeGreaterThan(0);
  });

  it("gives way to polls where its code cannot be loaded", async () => {
    const streamUpdates = () => Promise.reject(new TypeError("Failed to fetch dynamically imported module"));
    const parts = { clock: bench.timers, page: new FakePage(), random: () => 1, lock: null, channel: null };
    const updates = createSharedUpdates({ api: { ...bench.api(), streamUpdates }, ...parts });
    const { store } = await bench.openTab({ updates });
    store.send("Why?");
    await bench.timers.advance(1000);
    bench.server.finish("Because.");
    await bench.timers.advance(2000);
    expect(last(store)?.content).toBe("Because.");
    expect(store.getSnapshot()).toMatchObject({ status: "active", error: null });
  });

  it("is opened at once, and anew, when the page comes back to another connection", async () => {
    const { store, page } = await ask();
    page.signal("visible");
    await bench.timers.advance(0);
    expect(streams()).toBe(1);
    page.signal("online");
    await bench.timers.advance(0);
    expect([streams(), bench.server.streams.count]).toEqual([2, 1]);
    bench.server.streams.isSilent = true;
    bench.server.finish("Because.");
    bench.timers.sleep(25_000);
    bench.server.streams.isSilent = false;
    page.signal("visible");
    await bench.timers.advance(0);
    expect(streams()).toBe(3);
    expect(last(store)?.content).toBe("Because.");
  });

  it.each([
    [406, Number.POSITIVE_INFINITY],
    [404, Number.POSITIVE_INFINITY],
    [501, Number.POSITIVE_INFINITY],
    [429, 60_000],
  ])("that is refused with %s gives way to polls", async (status, pause) => {
    const code = status === 429 ? "too_many_streams" : "use_polling";
    bench.server.streams.refusal = { status, body: { code, message: "", field: null } };
    const { store } = await ask();
    bench.server.finish("Because.");
    await bench.timers.advance(1000);
    expect(last(store)?.content).toBe("Because.");
    expect(store.getSnapshot().error).toBeNull();
    bench.server.streams.refusal = null;
    await bench.timers.advance(50_000);
    expect(streams()).toBe(1);
    await bench.timers.advance(3_600_000);
    expect(streams()).toBe(pause === 60_000 ? 2 : 1);
  });

  it("that a proxy refuses for a while is asked for again when that has passed, and nothing else before", async () => {
    bench.server.streams.refusal = { status: 429, body: "Slow down.", retryAfter: "60" };
    await ask();
    await bench.timers.advance(58_000);
    expect(bench.server.looks).toHaveLength(1);
    bench.server.streams.refusal = null;
    await bench.timers.advance(5000);
    expect(streams()).toBe(2);
  });

  it("is not asked for in a loop when something in between always ends it", async () => {
    const { store } = await ask();
    for (let tenths = 0; tenths < 600; tenths += 1) {
      bench.server.streams.end();
      await bench.timers.advance(100);
    }
    expect(streams()).toBeLessThan(20);
    bench.server.finish("Because.");
    await bench.timers.advance(5000);
    expect(last(store)?.content).toBe("Because.");
  });
});

describe("a stream that ends with its answer, as at a deploy", () => {
  const endWithAnswer = async () => {
    const tab = await ask();
    await bench.timers.advance(60_000);
    return {
      ...tab,
      end() {
        bench.server.finish("Because.");
        bench.server.streams.end();
      },
    };
  };

  it("is opened again at once", async () => {
    const { store, end } = await endWithAnswer();
    end();
    await bench.timers.advance(1000);
    expect(last(store)?.content).toBe("Because.");
    expect(bench.server.streams.count).toBe(1);
  });

  it("also out of sight, where another tab trusts it", async () => {
    const { page, end } = await endWithAnswer();
    const other = await bench.openTab();
    page.signal("hidden");
    end();
    await bench.timers.advance(1000);
    await bench.api().sendMessage({ content: "From the phone", key: "phone-key" });
    await bench.timers.advance(1000);
    expect(other.store.getSnapshot().messages.map(({ content }) => content)).toContain("From the phone");
  });
});

it("an answer grows while a report of activity is on its way", async () => {
  const { store } = await ask();
  await bench.timers.advance(40_000);
  bench.server.hold();
  store.touch();
  await bench.timers.advance(0);
  bench.server.write("Because");
  await bench.timers.advance(1000);
  expect(last(store)?.content).toBe("Because");
});

describe("news and answers that overtake each other", () => {
  it("do not show a message twice that is still on its way", async () => {
    const { store } = await bench.openTab();
    bench.server.start("", ["Earlier", "Indeed."]);
    await bench.timers.advance(0);
    bench.server.holdAnswers();
    store.send("Why?");
    await bench.timers.advance(100);
    bench.server.finish("Because.");
    await bench.timers.advance(100);
    expect(store.getSnapshot().entries.map(({ kind }) => kind)).toEqual(["message", "message", "pending"]);
    bench.server.release();
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ running: null, pending: [] });
    expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
  });

  it("do not show a message twice whose answer was lost, and which is about to be sent again", async () => {
    const { store } = await bench.openTab();
    bench.server.start("", ["Earlier", "Indeed."]);
    await bench.timers.advance(0);
    bench.server.faults = [{ afterwards: true }];
    store.send("Why?");
    await bench.timers.advance(500);
    expect(store.getSnapshot().messages.map(({ content }) => content)).toEqual(["Earlier", "Indeed.", "Why?", ""]);
    expect(store.getSnapshot().pending).toEqual([]);
    await bench.timers.advance(1000);
    expect(store.getSnapshot()).toMatchObject({ running: "waiting", pending: [] });
    expect(store.getSnapshot().messages).toHaveLength(4);
  });

  it("leave in sight what was refused, although the same words have come from another device", async () => {
    const { store } = await bench.openTab();
    bench.server.start("", ["Earlier", "Indeed."]);
    await bench.timers.advance(0);
    bench.server.faults = [{ status: 403, body: '{"code": "csrf_failed"}' }];
    store.send("Why?");
    await bench.timers.advance(0);
    await bench.api().sendMessage({ content: "Why?", key: "phone-key" });
    await bench.timers.advance(1000);
    expect(store.getSnapshot().messages.map(({ content }) => content)).toContain("Why?");
    expect(store.getSnapshot().pending).toMatchObject([{ content: "Why?", state: "failed" }]);
  });

  it("do not bring a reply back that had ended before the transcript came", async () => {
    const { store } = await ask();
    const { id = "" } = store.getSnapshot().session ?? {};
    bench.server.write("Bec");
    await bench.timers.advance(0);
    bench.server.holdAnswers();
    const opened = store.open(id);
    await bench.timers.advance(10);
    bench.server.finish("Because.");
    await bench.timers.advance(10);
    bench.server.release();
    await opened;
    await bench.timers.advance(0);
    expect(last(store)).toMatchObject({ content: "Because.", state: "answered" });
    expect(store.getSnapshot().running).toBeNull();
  });

  it("read again what does not join, and only once for all that came", async () => {
    const { store, tell } = await askAndTell();
    await bench.timers.advance(0);
    const reply = last(store);
    bench.server.streams.isSilent = true;
    bench.server.write("Because it floats");
    for (const offset of [9, 10, 11]) {
      const delta = { session: reply?.session ?? "", message: reply?.id ?? "", attempt: 1, offset, text: "?" };
      tell({ deltas: [delta] });
    }
    await bench.timers.advance(0);
    expect(last(store)?.content).toBe("Because it floats");
    expect(bench.server.count("GET", /messages/)).toBe(1);
  });

  it("go on top of what is being read again, and do not have it read once more", async () => {
    const { store, tell } = await askAndTell();
    await bench.timers.advance(0);
    const { id = "", session = "" } = last(store) ?? {};
    const grow = (offset: number, text: string) =>
      tell({ deltas: [{ session, message: id, attempt: 1, offset, text }] });
    bench.server.streams.isSilent = true;
    bench.server.write("Because");
    bench.server.holdAnswers();
    grow(4, "use");
    await bench.timers.advance(0);
    for (const [offset, text] of [" it", " fl", "oats"].entries()) {
      grow(7 + 3 * offset, text);
      await bench.timers.advance(100);
    }
    bench.server.release();
    await bench.timers.advance(0);
    expect(last(store)?.content).toBe("Because it floats");
    expect(bench.server.count("GET", /messages/)).toBe(1);
  });
});

describe("an answer whose worker was only late, in a chat that is over", () => {
  const interrupt = async () => {
    const { store } = await ask();
    const other = await bench.openTab();
    await bench.timers.advance(1000);
    bench.server.finish("", "interrupted");
    await bench.timers.advance(1000);
    return { store, other };
  };
  const answers = (store: ChatStore) =>
    store
      .getSnapshot()
      .entries.flatMap((entry) => (entry.kind === "message" ? [[entry.message.content, entry.message.state]] : []));

  const comesAfterAll = async (store: ChatStore) => {
    expect(answers(store).at(-1)).toEqual(["", "interrupted"]);
    bench.server.finish("Because.");
    await bench.timers.advance(1000);
    expect(answers(store).at(-1)).toEqual(["Because.", "answered"]);
  };

  it("is shown where that chat is on screen", async () => {
    const { store } = await interrupt();
    bench.server.changeSession(store.getSnapshot().session?.id ?? "", { state: "ended", end_reason: "user" });
    bench.server.streams.push();
    await bench.timers.advance(1000);
    await comesAfterAll(store);
  });

  it("is shown above the boundary that another tab has set", async () => {
    const { store, other } = await interrupt();
    await other.store.startNew();
    await bench.timers.advance(1000);
    await comesAfterAll(store);
  });
});

it("an answer above a boundary is read when another chat has news, if its own were missed", async () => {
  const { store, tell } = await askAndTell();
  await bench.timers.advance(1000);
  const other = await bench.openTab();
  await other.store.startNew();
  await bench.timers.advance(1000);
  bench.server.streams.isSilent = true;
  bench.server.finish("Because.");
  const { entries, session } = store.getSnapshot();
  expect(entries.at(-2)).toMatchObject({ message: { content: "" } });
  tell({ sessions: session ? [session] : [] });
  await bench.timers.advance(0);
  expect(store.getSnapshot().entries.at(-2)).toMatchObject({ message: { content: "Because." } });
});

describe("other devices", () => {
  it("can start a session, write in it, and end it: all is seen at once", async () => {
    const { store } = await bench.openTab();
    const api = bench.api();
    await api.sendMessage({ content: "From a phone", key: "phone-key-1" });
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ running: "waiting", messages: [{ content: "From a phone" }, {}] });
    bench.server.finish("Phone answer.");
    await bench.timers.advance(0);
    expect(last(store)?.content).toBe("Phone answer.");
    const { id = "" } = store.getSnapshot().session ?? {};
    await api.endSession(id);
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ status: "ended", session: { id, state: "ended" } });
  });

  it("can delete it", async () => {
    const { store } = await ask();
    await bench.api().deleteSession(store.getSnapshot().session?.id ?? "");
    await bench.timers.advance(0);
    expect(store.getSnapshot()).toMatchObject({ session: null, entries: [] });
  });

  it("can take over the attempt: its text is written anew", async () => {
    const { store } = await ask();
    bench.server.write("Half an ans");
    await bench.timers.advance(0);
    bench.server.beginAnew();
    await bench.timers.advance(0);
    expect(last(store)).toMatchObject({ content: "", attempt: 2 });
    bench.server.write("Because");
    await bench.timers.advance(0);
    expect(last(store)?.content).toBe("Because");
  });

  it("tell of an answer that arrives while something else is on screen", async () => {
    const { store } = await bench.openTab();
    const { session } = await bench.api().sendMessage({ scope: "b", content: "Elsewhere", key: "phone-key-1" });
    await bench.timers.advance(0);
    expect(store.getSnapshot().answeredElsewhere).toBeNull();
    bench.server.finish("There.");
    await bench.timers.advance(0);
    expect(store.getSnapshot().answeredElsewhere).toMatchObject({ id: session.id });
    await store.open(session.id);
    await bench.timers.advance(0);
    expect(store.getSnapshot().answeredElsewhere).toBeNull();
  });
});
