import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { LiveUpdatesOptions, UpdatesListener } from "./liveUpdates.js";
import { ChatBench, FakePage } from "./testing/chatBench.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
  bench.server.start("", ["Why?"]);
});

afterEach(() => {
  vi.doUnmock("./sharedUpdates.js");
  vi.resetModules();
});

const options = (): LiveUpdatesOptions => ({
  ...{ api: bench.api(), clock: bench.timers, page: new FakePage(), random: () => 1 },
  lock: bench.sharing.lock,
  channel: bench.sharing.channel,
});

function listener() {
  return { news: vi.fn(), found: vi.fn(), lost: vi.fn(), missing: vi.fn() } satisfies UpdatesListener;
}

describe("live updates", () => {
  it("are read once their code is there, and wanted quickly by whoever already waits", async () => {
    const { createLiveUpdates } = await import("./liveUpdates.js");
    const heard = listener();
    const updates = createLiveUpdates(options());
    const member = updates.join(heard);
    member.await(true);
    member.renew();
    await vi.waitFor(() => expect(bench.sharing.said).toContainEqual({ kind: "ask" }));
    await bench.timers.advance(500);
    expect(heard.news).toHaveBeenCalled();
    const asked = bench.server.looks.length;
    await bench.timers.advance(5000);
    expect(bench.server.looks.length).toBeGreaterThan(asked + 2);
    member.await(false);
    member.renew();
    member.leave();
    expect(bench.timers.count).toBe(0);
  });

  it("say that they cannot be had while their code cannot, and try again", async () => {
    vi.doMock("./sharedUpdates.js", () => {
      throw new TypeError("Failed to fetch dynamically imported module");
    });
    const { createLiveUpdates } = await import("./liveUpdates.js");
    const [heard, gone] = [listener(), listener()];
    const updates = createLiveUpdates(options());
    const member = updates.join(heard);
    updates.join(gone).leave();
    await vi.waitFor(() => expect(heard.missing).toHaveBeenCalled());
    expect(gone.missing).not.toHaveBeenCalled();
    vi.doUnmock("./sharedUpdates.js");
    await bench.timers.advance(1000);
    await vi.waitFor(() => expect(bench.sharing.said).toContainEqual({ kind: "ask" }));
    member.leave();
  });

  it("are asked for again at once by whoever waits for an answer, and then often", async () => {
    vi.doMock("./sharedUpdates.js", () => {
      throw new TypeError("Failed to fetch dynamically imported module");
    });
    const { createLiveUpdates } = await import("./liveUpdates.js");
    const heard = listener();
    const member = createLiveUpdates(options()).join(heard);
    for (let count = 1; count <= 4; count += 1) {
      await vi.waitFor(() => expect(heard.missing).toHaveBeenCalledTimes(count));
      await bench.timers.advance(1000 * 2 ** (count - 1));
    }
    await vi.waitFor(() => expect(heard.missing).toHaveBeenCalledTimes(5));
    member.await(true);
    await vi.waitFor(() => expect(heard.missing).toHaveBeenCalledTimes(6));
    await bench.timers.advance(1000);
    await vi.waitFor(() => expect(heard.missing).toHaveBeenCalledTimes(7));
    await bench.timers.advance(2000);
    await vi.waitFor(() => expect(heard.missing).toHaveBeenCalledTimes(8));
    await bench.timers.advance(2000);
    await vi.waitFor(() => expect(heard.missing).toHaveBeenCalledTimes(9));
    member.leave();
    expect(bench.timers.count).toBe(0);
  });

  it("are not joined by whoever left meanwhile", async () => {
    const { createLiveUpdates } = await import("./liveUpdates.js");
    createLiveUpdates(options()).join(listener()).leave();
    await import("./sharedUpdates.js");
    await bench.timers.advance(2000);
    expect([bench.sharing.said, bench.server.looks]).toEqual([[], []]);
  });
});
