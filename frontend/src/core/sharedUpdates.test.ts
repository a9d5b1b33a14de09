import { beforeEach, describe, expect, it } from "vitest";
import type { ChatStore } from "./chatStore.js";
import type { LiveUpdates, UpdatesMember } from "./liveUpdates.js";
import { createSharedUpdates } from "./sharedUpdates.js";
import { ChatBench, FakePage } from "./testing/chatBench.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
  bench.server.streams.refusal = null;
  // Not the reader's first chat, with which a visitor only gets a name.
  const { id } = bench.server.start("", ["Old"]);
  bench.server.changeSession(id, { state: "ended", end_reason: "user" });
});

const last = (store: ChatStore) => store.getSnapshot().messages.at(-1);
const said = (kind: string) => bench.sharing.said.filter((message) => message.kind === kind).length;

async function twoTabs() {
  const one = await bench.openTab();
  const two = await bench.openTab();
  one.store.send("Why?");
  await bench.timers.advance(0);
  return { one, two };
}

describe("two tabs", () => {
  it("share one stream, and both see the answer grow", async () => {
    const { one, two } = await twoTabs();
    for (const text of ["Bec", "Because 🧊", "Because 🧊 floats"]) {
      bench.server.write(text);
      await bench.timers.advance(0);
      expect([last(one.store)?.content, last(two.store)?.content]).toEqual([text, text]);
    }
    bench.server.finish("Because 🧊 floats.");
    await bench.timers.advance(0);
    for (const { store } of [one, two]) {
      expect(last(store)).toMatchObject({ content: "Because 🧊 floats.", state: "answered" });
      expect(store.getSnapshot().running).toBeNull();
    }
    // The second asked once what had been told before it came.
    expect(bench.server.looks.map(({ isStream }) => isStream)).toEqual([true, false]);
  });

  it("go on when the one that reads is closed, from the cursor it had passed on", async () => {
    const { one, two } = await twoTabs();
    bench.server.write("Bec");
    await bench.timers.advance(0);
    one.disconnect();
    bench.server.write("Because");
    await bench.timers.advance(0);
    expect(last(two.store)?.content).toBe("Because");
    expect(bench.server.streams.count).toBe(1);
    const [first, second, ...more] = bench.server.looks.filter(({ isStream }) => isStream);
    expect([first?.since, more]).toEqual([null, []]);
    expect(second?.since).not.toBeNull();
  });

  it("pass the reading on from tab to tab, and stop when the last is closed", async () => {
    const tabs = [];
    for (let count = 0; count < 4; count += 1) tabs.push(await bench.openTab());
    tabs[3]?.store.send("Why?");
    await bench.timers.advance(0);
    let text = "";
    for (const tab of tabs) {
      text += "so ";
      bench.server.write(text);
      await bench.timers.advance(0);
      expect(last(tab.store)?.content).toBe(text);
      expect(bench.server.streams.count).toBe(1);
      tab.disconnect();
    }
    await bench.timers.advance(0);
    expect([bench.server.streams.count, bench.timers.count]).toEqual([0, 0]);
  });

  it("still share one stream after the way back, for which the browser has taken their locks", async () => {
    const { one, two } = await twoTabs();
    bench.sharing.takeLocks();
    for (const { page } of [one, two]) page.signal("restored");
    const three = await bench.openTab();
    bench.server.write("Because");
    await bench.timers.advance(0);
    expect([one, two, three].map(({ store }) => last(store)?.content)).toEqual(Array(3).fill("Because"));
    expect(bench.server.streams.count).toBe(1);
    one.disconnect();
    bench.server.write("Because ice");
    await bench.timers.advance(0);
    expect([two, three].map(({ store }) => last(store)?.content)).toEqual(Array(2).fill("Because ice"));
    expect(bench.server.streams.count).toBe(1);
  });

  it("of different readers share nothing", async () => {
    const one = await bench.openTab({ owner: "1" });
    await bench.openTab({ owner: "2" });
    expect(bench.server.streams.count).toBe(2);
    one.store.send("Why?");
    await bench.timers.advance(0);
    expect(bench.server.streams.count).toBe(2);
  });

  it("do not chatter: a leader that has no news says seldom that it lives", async () => {
    await twoTabs();
    const before = said("alive");
    await bench.timers.advance(60_000);
    expect(said("alive") - before).toBe(4);
  });
});

describe("a tab that does not read itself", () => {
  it("reads for itself as soon as the leader has lost its stream", async () => {
    const { one, two } = await twoTabs();
    bench.server.streams.refusal = { status: 503, body: {} };
    bench.server.streams.cut();
    await bench.timers.advance(0);
    expect(one.store.getSnapshot().running).toBe("reconnecting");
    bench.server.write("Bec");
    await bench.timers.advance(500);
    expect(last(two.store)?.content).toBe("Bec");
    bench.server.streams.refusal = null;
    await bench.timers.advance(4000);
    const { length } = bench.server.looks;
    await bench.timers.advance(5000);
    expect(bench.server.looks).toHaveLength(length);
  });

  it("looks now and then while it waits, for the leader may be frozen or read for somebody else", async () => {
    const { two } = await twoTabs();
    bench.sharing.isDead = true;
    bench.server.finish("Because.");
    await bench.timers.advance(10_000);
    expect(last(two.store)?.content).toBe("Because.");
  });

  it("looks at once when it comes back while it waits, and not while it does not", async () => {
    const { two } = await twoTabs();
    const { length } = bench.server.looks;
    two.page.signal("visible");
    await bench.timers.advance(0);
    expect(bench.server.looks).toHaveLength(length + 1);
    bench.server.finish("Because.");
    await bench.timers.advance(0);
    two.page.signal("visible");
    await bench.timers.advance(0);
    expect(bench.server.looks).toHaveLength(length + 1);
  });

  it("listens, once it has led, left and come again", async () => {
    const { one, two } = await twoTabs();
    one.disconnect();
    await bench.timers.advance(0);
    one.store.connect();
    await bench.timers.advance(0);
    bench.server.write("Bec");
    await bench.timers.advance(0);
    expect([last(one.store)?.content, last(two.store)?.content]).toEqual(["Bec", "Bec"]);
    expect(bench.server.streams.count).toBe(1);
  });

  it("believes a leader that says nothing any more no longer than 35 seconds", async () => {
    const { one, two } = await twoTabs();
    bench.server.finish("Because.");
    await bench.timers.advance(0);
    bench.sharing.isDead = true;
    const { length } = bench.server.looks;
    await bench.timers.advance(60_000);
    expect(bench.server.looks.length).toBeGreaterThan(length);
    bench.sharing.isDead = false;
    await bench.timers.advance(20_000);
    const found = bench.server.looks.length;
    await bench.timers.advance(60_000);
    expect(bench.server.looks).toHaveLength(found);
    expect([one, two].map(({ store }) => last(store)?.content)).toEqual(["Because.", "Because."]);
  });

  it("reads for itself when it hears of no leader: the one that should be may be frozen", async () => {
    await bench.openTab();
    bench.sharing.isDead = true;
    const two = await bench.openTab();
    bench.server.start("", ["Why?"]);
    await bench.timers.advance(60_000);
    expect(last(two.store)?.content).toBe("Why?");
  });

  it("waits for nothing any more once it has left", async () => {
    await bench.openTab();
    const { count } = bench.timers;
    const two = await bench.openTab();
    two.disconnect();
    expect(bench.timers.count).toBe(count);
  });

  it("says that it is cut off only when it has found out itself", async () => {
    const { two } = await twoTabs();
    bench.server.offline = true;
    bench.server.streams.cut();
    await bench.timers.advance(100);
    expect(two.store.getSnapshot().running).toBe("waiting");
    await bench.timers.advance(1000);
    expect(two.store.getSnapshot().running).toBe("reconnecting");
    bench.server.offline = false;
    await bench.timers.advance(5000);
    expect(two.store.getSnapshot()).toMatchObject({ running: "waiting", status: "active" });
  });
});

describe("a visitor without a name", () => {
  beforeEach(() => {
    bench.server.sessions = [];
  });

  it("gets one with the first message, and the stream is opened anew under it", async () => {
    const { store } = await bench.openTab();
    await bench.timers.advance(60_000);
    expect(bench.server.looks).toHaveLength(1);
    store.send("Why?");
    await bench.timers.advance(0);
    expect([bench.server.looks.length, bench.server.streams.count]).toEqual([2, 1]);
    bench.server.finish("Because.");
    await bench.timers.advance(0);
    store.send("And then?");
    await bench.timers.advance(0);
    expect(bench.server.looks).toHaveLength(2);
  });

  it("may do so in a tab that another one reads for", async () => {
    await bench.openTab();
    const { store } = await bench.openTab();
    await store.startNew();
    await bench.timers.advance(0);
    const streams = bench.server.looks.filter(({ isStream }) => isStream);
    expect([streams.length, bench.server.streams.count]).toEqual([2, 1]);
  });

  it("are told what was news before the code for news had come", async () => {
    await bench.openTab();
    const news = bench.updates();
    let enter = () => {};
    const entered = new Promise<void>((resolve) => {
      enter = resolve;
    });
    const late: LiveUpdates = {
      join(listener) {
        const member = entered.then(() => news.join(listener));
        const tell = (say: (known: UpdatesMember) => void) => void member.then(say);
        return {
          await: (isAwaited) => tell((known) => known.await(isAwaited)),
          renew: () => tell((known) => known.renew()),
          leave: () => tell((known) => known.leave()),
        };
      },
    };
    const { store } = await bench.openTab({ updates: late });
    bench.server.replies = false;
    await bench.api().sendMessage({ content: "From the phone", key: "phone" });
    bench.server.streams.push();
    await bench.timers.advance(0);
    expect(store.getSnapshot().messages).toEqual([]);
    enter();
    await bench.timers.advance(0);
    expect(last(store)?.content).toBe("From the phone");
  });
});

describe("without locks or channels", () => {
  it.each([{ lock: null }, { channel: null }])("each tab reads for itself: %j", async (without) => {
    const updates = () => {
      const { lock, channel } = bench.sharing;
      return createSharedUpdates({ api: bench.api(), clock: bench.timers, lock, channel, ...without });
    };
    const one = await bench.openTab({ updates: updates() });
    const two = await bench.openTab({ updates: updates() });
    expect(bench.server.streams.count).toBe(2);
    one.store.send("Why?");
    await bench.timers.advance(0);
    bench.server.write("Bec");
    await bench.timers.advance(0);
    expect([one, two].map(({ store }) => last(store)?.content)).toEqual(["Bec", "Bec"]);
  });
});

it("is joined by many, and left once by each", async () => {
  const updates = bench.updates();
  const heard: string[] = [];
  const listener = (name: string) => ({ news: () => heard.push(name), found() {}, lost() {}, missing() {} });
  const one = updates.join(listener("one"));
  const two = updates.join(listener("two"));
  await bench.timers.advance(0);
  expect(heard).toEqual(["one", "two"]);
  one.leave();
  one.leave();
  one.await(true);
  bench.server.start("", ["Why?"]);
  await bench.timers.advance(0);
  expect(heard).toEqual(["one", "two", "two"]);
  two.leave();
  await bench.timers.advance(0);
  expect([bench.server.streams.count, bench.timers.count]).toEqual([0, 0]);
});

it("asks anew in a tab that follows another one, when what it asked for itself was refused", async () => {
  bench.server.streams.refusal = { status: 406, body: { code: "use_polling", message: "No.", field: null } };
  const listener = { news() {}, found() {}, lost() {}, missing() {} };
  const page = new FakePage();
  bench.updates(page).join(listener);
  await bench.timers.advance(0);
  const follower = bench.updates().join(listener);
  await bench.timers.advance(2000);
  bench.server.refusedNews = { status: 401, body: { code: "invalid", message: "Who?", field: null } };
  await bench.timers.advance(30_000);
  bench.server.refusedNews = null;
  page.signal("visible");
  await bench.timers.advance(0);
  const count = bench.server.looks.length;
  follower.renew();
  await bench.timers.advance(0);
  expect(bench.server.looks.length).toBe(count + 1);
});
