import { afterEach, describe, expect, it, vi } from "vitest";
import { newMessageKey } from "./messageKey.js";
import { browserNewsChannel } from "./newsChannel.js";
import { browserPage } from "./pageSignals.js";
import { browserStorage, createStoredHint } from "./storedHint.js";
import { browserTransport, createTabChannel, type TabMessage } from "./tabChannel.js";
import { browserLock } from "./tabLock.js";
import { FakeBrowser, FakeStorage } from "./testing/chatBench.js";
import { settle } from "./testing/fakeTimers.js";

afterEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
});

describe("the stored hint", () => {
  it.each([
    ["missing", () => null],
    [
      "forbidden",
      () => {
        throw new DOMException("denied", "SecurityError");
      },
    ],
    [
      "full",
      () => ({
        getItem: () => null,
        removeItem: () => {},
        setItem: () => {
          throw new DOMException("full", "QuotaExceededError");
        },
      }),
    ],
  ])("does no harm where storage is %s", (_, storage) => {
    const hint = createStoredHint({ scope: "", storage });
    hint.write({ draft: "words" });
    hint.clear();
    expect(hint.read()).toEqual({ session: null, draft: "" });
  });

  it.each(["{", '"text"', "null", "{}", '{"version":0,"draft":"old"}', '{"version":1,"session":4,"draft":[]}'])(
    "reads %s as nothing",
    (text) => {
      const storage = new FakeStorage();
      const hint = createStoredHint({ scope: "a", storage: () => storage });
      hint.write({ draft: "x" });
      storage.setItem([...storage.values.keys()][0] ?? "", text);
      expect(hint.read()).toEqual({ session: null, draft: "" });
    },
  );

  it("leaves no trace when there is nothing to remember", () => {
    const storage = new FakeStorage();
    const hint = createStoredHint({ scope: "a", storage: () => storage });
    hint.write({ session: "s1", draft: "x" });
    expect(hint.read()).toEqual({ session: "s1", draft: "x" });
    hint.write({ session: null, draft: "" });
    expect(storage.values.size).toBe(0);
  });

  it("finds the browser's storage, or none", () => {
    expect(browserStorage()).toBe(localStorage);
    vi.stubGlobal("localStorage", undefined);
    expect(browserStorage()).toBeNull();
  });
});

describe("message keys", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  const insecure = {
    getRandomValues: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes),
  } as unknown as Crypto;

  it("are fresh UUIDs with or without HTTPS, and without any crypto", () => {
    vi.stubGlobal("crypto", crypto);
    for (const make of [() => newMessageKey(), () => newMessageKey(insecure)]) {
      expect(make()).toMatch(UUID);
      expect(make()).not.toBe(make());
    }
    vi.stubGlobal("crypto", undefined);
    expect(newMessageKey()).toMatch(UUID);
  });
});

describe("page signals", () => {
  it("come from the page and stop when nobody listens", () => {
    const heard: string[] = [];
    const page = browserPage();
    const stop = page.subscribe((signal) => heard.push(signal));
    const restored = new Event("pageshow");
    Object.assign(restored, { persisted: true });
    window.dispatchEvent(new Event("online"));
    window.dispatchEvent(new Event("offline"));
    window.dispatchEvent(new Event("pageshow"));
    window.dispatchEvent(restored);
    document.dispatchEvent(new Event("visibilitychange"));
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(page.isVisible()).toBe(false);
    vi.restoreAllMocks();
    expect([page.isVisible(), page.isOnline()]).toEqual([true, true]);
    stop();
    window.dispatchEvent(new Event("online"));
    expect(heard).toEqual(["online", "offline", "restored", "visible", "hidden"]);
  });

  it("are none on a server", () => {
    for (const name of ["window", "document", "navigator"]) vi.stubGlobal(name, undefined);
    const page = browserPage();
    expect([page.isVisible(), page.isOnline()]).toEqual([true, true]);
    expect(page.subscribe(() => expect.unreachable())()).toBeUndefined();
  });
});

describe("the tab channel", () => {
  const message: TabMessage = { scope: "a", session: "s1" };

  it("tells other tabs and the rest of this page, never the teller", () => {
    const browser = new FakeBrowser();
    const heard: string[] = [];
    const here = createTabChannel(browser.transport);
    const there = createTabChannel(browser.transport);
    const teller = here.join(() => heard.push("teller"));
    here.join(() => heard.push("same page"));
    const other = there.join(() => heard.push("other tab"));
    teller.tell(message);
    expect(heard.sort()).toEqual(["other tab", "same page"]);
    teller.tellPage(message);
    expect(heard).toHaveLength(3);
    other.leave();
    teller.tell(message);
    expect(heard.filter((name) => name === "other tab")).toHaveLength(1);
  });

  it("uses BroadcastChannel and ignores what is not ours", () => {
    const channels: { onmessage?: (event: { data: unknown }) => void; posted: unknown[]; closed: boolean }[] = [];
    class Channel {
      posted: unknown[] = [];
      closed = false;
      constructor() {
        channels.push(this);
      }
      postMessage = (data: unknown) => void this.posted.push(data);
      close = () => {
        this.closed = true;
      };
    }
    vi.stubGlobal("BroadcastChannel", Channel);
    const heard: unknown[] = [];
    const transport = browserTransport((received) => heard.push(received));
    transport.post(message);
    for (const data of [message, null, "text", { scope: 1, session: null }, { scope: "a", session: 4 }]) {
      channels[0]?.onmessage?.({ data });
    }
    transport.close();
    expect(channels[0]).toMatchObject({ posted: [message], closed: true });
    expect(heard).toEqual([message]);
  });

  it("falls back to storage events", async () => {
    vi.stubGlobal("BroadcastChannel", undefined);
    const heard: unknown[] = [];
    const transport = browserTransport((received) => heard.push(received));
    transport.post(message);
    const key = localStorage.key(0) ?? "";
    const first = localStorage.getItem(key);
    transport.post(message);
    expect(localStorage.getItem(key)).not.toBe(first);
    for (const init of [{ key, newValue: first }, { key, newValue: "{" }, { key, newValue: null }, { key: "other" }]) {
      window.dispatchEvent(Object.assign(new Event("storage"), init));
    }
    vi.stubGlobal("localStorage", undefined);
    transport.post(message);
    transport.close();
    await settle();
    expect(heard).toEqual([message]);
  });

  it("is silent on a server", () => {
    vi.stubGlobal("BroadcastChannel", undefined);
    vi.stubGlobal("window", undefined);
    const transport = browserTransport(() => expect.unreachable());
    transport.post(message);
    transport.close();
  });
});

describe("the next frame", () => {
  it("is the browser's, and comes soon where nothing is painted", async () => {
    const frames: (() => void)[] = [];
    vi.stubGlobal("requestAnimationFrame", (run: () => void) => frames.push(run));
    vi.stubGlobal("cancelAnimationFrame", (frame: number) => frames.splice(frame - 1, 1));
    vi.useFakeTimers();
    const page = browserPage();
    const heard: string[] = [];
    page.nextFrame(() => heard.push("painted"));
    frames[0]?.();
    vi.advanceTimersByTime(1000);
    expect(heard).toEqual(["painted"]);
    page.nextFrame(() => heard.push("hidden"));
    vi.advanceTimersByTime(1000);
    expect(heard).toEqual(["painted", "hidden"]);
    expect(frames).toEqual([]);
    vi.stubGlobal("requestAnimationFrame", undefined);
    vi.stubGlobal("cancelAnimationFrame", undefined);
    page.nextFrame(() => heard.push("without frames"));
    vi.advanceTimersByTime(1000);
    expect(heard).toHaveLength(3);
    vi.useRealTimers();
  });
});

describe("the tab lock", () => {
  interface Asked {
    name: string;
    signal: AbortSignal;
    take: () => Promise<void>;
  }

  function stubLocks(answer: () => Promise<void>) {
    const asked: Asked[] = [];
    const request = (name: string, { signal }: { signal: AbortSignal }, take: () => Promise<void>) => {
      asked.push({ name, signal, take });
      return answer();
    };
    vi.stubGlobal("navigator", { locks: { request } });
    return asked;
  }

  it("is held until it is let go", async () => {
    const [asked, heard] = [stubLocks(() => new Promise(() => {})), [] as string[]];
    const release = browserLock()?.request("name", () => heard.push("lead"));
    const held = asked[0]?.take().then(() => heard.push("released"));
    await settle();
    expect(heard).toEqual(["lead"]);
    release?.();
    await held;
    expect(heard).toEqual(["lead", "released"]);
  });

  it("is not taken by a tab that has left, and does without where it is refused", async () => {
    const heard: string[] = [];
    let asked = stubLocks(() => new Promise(() => {}));
    browserLock()?.request("name", () => heard.push("left"))();
    await asked[0]?.take();
    expect([asked[0]?.signal.aborted, heard]).toEqual([true, []]);
    asked = stubLocks(() => Promise.reject(new DOMException("No origin", "SecurityError")));
    browserLock()?.request("name", () => heard.push("refused"));
    await settle();
    expect(heard).toEqual(["refused"]);
  });

  it.each([undefined, {}, { locks: null }])("is none where navigator is %j", (navigator) => {
    vi.stubGlobal("navigator", navigator);
    expect(browserLock()).toBeNull();
  });
});

describe("the news channel", () => {
  it("is BroadcastChannel, and ignores what is not ours", () => {
    const channels: { onmessage?: (event: { data: unknown }) => void; posted: unknown[]; closed: boolean }[] = [];
    class Channel {
      posted: unknown[] = [];
      closed = false;
      constructor() {
        channels.push(this);
      }
      postMessage = (data: unknown) => void this.posted.push(data);
      close = () => {
        this.closed = true;
      };
    }
    vi.stubGlobal("BroadcastChannel", Channel);
    const heard: unknown[] = [];
    const channel = browserNewsChannel()?.("name", (message) => heard.push(message));
    channel?.post({ kind: "ask" });
    for (const data of [{ kind: "ask" }, null, "text", {}, { kind: 4 }]) channels[0]?.onmessage?.({ data });
    channel?.close();
    expect(channels[0]).toMatchObject({ posted: [{ kind: "ask" }], closed: true });
    expect(heard).toEqual([{ kind: "ask" }]);
    vi.stubGlobal("BroadcastChannel", undefined);
    expect(browserNewsChannel()).toBeNull();
  });
});
