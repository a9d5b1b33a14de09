import { beforeEach, describe, expect, it } from "vitest";
import { createActivity } from "./activity.js";
import { createClock } from "./clock.js";
import { ChatBench } from "./testing/chatBench.js";

const MINUTE = 60_000;

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
  bench.server.start("", ["Why?", "Because."]);
});

/** What an idle timer of the browser alone gets wrong: four defects that others have, each reproduced with theirs. */
describe("only deliberate activity counts, and only the server counts the time", () => {
  it("hiding, showing and restoring the page is no activity", async () => {
    const { store, page } = await bench.openTab();
    await bench.timers.advance(4.9 * MINUTE);
    for (const signal of ["hidden", "visible", "restored", "offline", "online"] as const) page.signal(signal);
    await bench.timers.advance(0.2 * MINUTE);
    expect(store.getSnapshot().status).toBe("expired");
    expect(bench.server.count("POST", /touch/)).toBe(0);
  });

  it("a reload does not start the time anew", async () => {
    const first = await bench.openTab();
    await bench.timers.advance(4.9 * MINUTE);
    first.disconnect();
    const { store } = await bench.openTab();
    expect(store.getSnapshot()).toMatchObject({ status: "expiring", remainingSeconds: 6 });
    await bench.timers.advance(0.2 * MINUTE);
    expect(store.getSnapshot().status).toBe("expired");
  });

  it("whoever writes in one tab is not idle in another", async () => {
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    const seen = new Set<string>();
    two.store.subscribe(() => seen.add(two.store.getSnapshot().status));
    for (let step = 0; step < 60; step += 1) {
      one.store.touch();
      await bench.timers.advance(MINUTE / 6);
    }
    expect([...seen]).not.toContain("expired");
    expect(two.store.getSnapshot().session?.state).toBe("active");
    expect(bench.server.count("POST", /touch/)).toBe(18);
  });

  it("is reported on when the device's clock is set back", async () => {
    const { store } = await bench.openTab();
    store.touch();
    // The report has gone out, and none waits for its time.
    await bench.timers.advance(40_000);
    bench.timers.sleep(-120 * MINUTE);
    bench.server.skew += 120 * MINUTE;
    const before = bench.server.count("POST", /touch/);
    for (let step = 0; step < 200; step += 1) {
      store.touch();
      await bench.timers.advance(2000);
    }
    expect(bench.server.count("POST", /touch/) - before).toBeGreaterThan(10);
    expect(store.getSnapshot().session?.state).toBe("active");
  });

  it("several tabs report no more often than one", async () => {
    const tabs = await Promise.all([0, 0.5, 1].map((value) => bench.openTab({ random: () => value })));
    for (let second = 0; second < 120; second += 1) {
      for (const { store } of tabs) store.touch();
      await bench.timers.advance(1000);
    }
    expect(bench.server.count("POST", /touch/)).toBeLessThanOrEqual(4);
  });

  it("a tab that was active and crashed keeps nothing open", async () => {
    const [one, two] = [await bench.openTab(), await bench.openTab()];
    one.store.touch();
    await bench.timers.advance(0);
    one.disconnect();
    await bench.timers.advance(4.9 * MINUTE);
    expect(two.store.getSnapshot().status).toBe("expiring");
    await bench.timers.advance(0.2 * MINUTE);
    expect(two.store.getSnapshot().status).toBe("expired");
  });
});

describe("what the server knows of", () => {
  it("spares us the report that waits, if it is news and not what we reported ourselves", async () => {
    const { timers } = bench;
    let reports = 0;
    const activity = createActivity(
      createClock(timers),
      () => 0,
      () => 40_000,
      () => {
        reports += 1;
      },
    );
    const reportedAt = new Date(timers.now()).toISOString();
    activity.note();
    await timers.advance(30_000);
    activity.note();
    activity.known(reportedAt);
    await timers.advance(10_000);
    expect(reports).toBe(2);
    await timers.advance(20_000);
    activity.note();
    activity.known(new Date(timers.now()).toISOString());
    await timers.advance(40_000);
    expect(reports).toBe(2);
  });
});
