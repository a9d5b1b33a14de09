import { afterEach, describe, expect, it, vi } from "vitest";
import { browserChannel } from "./browserChannel.js";
import { createJsonStorage } from "./jsonStorage.js";
import { newMessageKey } from "./messageKey.js";
import { browserPage } from "./pageSignals.js";
import { createStoredHint } from "./storedHint.js";
import { createTabChannel, type TabMessage } from "./tabChannel.js";
import { browserLock } from "./tabLock.js";
import { FakeBrowser, FakeStorage } from "./testing/chatBench.js";
import { settle } from "./testing/fakeTimers.js";

afterEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
});

describe("the storage", () => {
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
        ...{ length: 0, key: () => null, getItem: () => null, removeItem: () => {} },
        setItem: () => {
          throw new DOMException("full", "QuotaExceededError");
        },
      }),
    ],
  ])("does no harm where it is %s", (_, open) => {
    const storage = createJsonStorage(open);
    expect(storage.write("a", { draft: "words" })).toBe(false);
    expect(storage.read("a")).toEqual({});
    expect(storage.names()).toEqual([]);
  });

  it("does not say again what it sees, which may be older than what another tab has written", () => {
    const storage = new FakeStorage();
    const json = createJsonStorage(() => storage);
    json.write("a", { session: "s1", draft: "words" });
    const setItem = vi.spyOn(storage, "setItem");
    expect(json.write("a", { session: "s1", draft: "words" })).toBe(true);
    expect(setItem).not.toHaveBeenCalled();
    json.write("a", { session: "s1", draft: "" });
    expect(setItem).toHaveBeenCalledOnce();
  });

  it.each(["{", '"text"', "null", "{}", '{"draft":[],"session":4}'])("reads the hint %s as nothing", (text) => {
    const storage = new FakeStorage();
    const hint = createStoredHint(
      createJsonStorage(() => storage),
      "a",
    );
    hint.write({ draft: "x" });
    storage.setItem([...storage.values.keys()][0] ?? "", text);
    expect(hint.read()).toEqual({ session: null, reader: null, draft: "" });
  });

  it("leaves no trace when there is nothing to remember", () => {
    const storage = new FakeStorage();
    const hint = createStoredHint(
      createJsonStorage(() => storage),
      "a",
    );
    expect(hint.write({ session: "s1", reader: "ada", draft: "x" })).toBe(true);
    expect(hint.read()).toEqual({ session: "s1", reader: "ada", draft: "x" });
    hint.write({ session: null, draft: "" });
    expect(storage.values.size).toBe(0);
  });

  it("is the browser's, or none", () => {
    expect(createJsonStorage().write("a", { draft: "x" })).toBe(true);
    expect(localStorage.getItem("a")).toBe('{"draft":"x"}');
    localStorage.removeItem("a");
    vi.stubGlobal("localStorage", undefined);
    expect(createJsonStorage().write("a", { draft: "x" })).toBe(false);
    expect(createJsonStorage().read("a")).toEqual({});
  });
});

describe("message keys", () => {
  const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

  it("are fresh UUIDs, also on pages without HTTPS", () => {
    const { getRandomValues } = crypto;
    const check = () => {
      expect(newMessageKey()).toMatch(UUID);
      expect(newMessageKey()).not.toBe(newMessageKey());
    };
    check();
    vi.stubGlobal("crypto", { getRandomValues: getRandomValues.bind(crypto) });
    check();
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
    const here = createTabChannel(browser.channel);
    const there = createTabChannel(browser.channel);
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

  it("is heard as long as somebody is here, and by whoever comes after everybody has left", () => {
    const browser = new FakeBrowser();
    const heard: string[] = [];
    const here = createTabChannel(browser.channel);
    const teller = createTabChannel(browser.channel).join(() => {});
    const first = here.join(() => heard.push("first"));
    const second = here.join(() => heard.push("second"));
    first.leave();
    teller.tell(message);
    second.leave();
    teller.tell(message);
    here.join(() => heard.push("third"));
    teller.tell(message);
    expect(heard).toEqual(["second", "third"]);
  });

  it("serves one page where tabs cannot talk", () => {
    const heard: string[] = [];
    const channel = createTabChannel(null);
    const teller = channel.join(() => heard.push("teller"));
    channel.join(() => heard.push("same page"));
    teller.tell(message);
    teller.leave();
    expect(heard).toEqual(["same page"]);
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

describe("the browser's channel", () => {
  it("is a BroadcastChannel, if there are any", () => {
    const channels: { name: string; onmessage?: (event: { data: unknown }) => void; posted: unknown[] }[] = [];
    class Channel {
      posted: unknown[] = [];
      constructor(readonly name: string) {
        channels.push(this);
      }
      postMessage = (data: unknown) => void this.posted.push(data);
      close = () => void this.posted.push("closed");
    }
    vi.stubGlobal("BroadcastChannel", Channel);
    const heard: string[] = [];
    const channel = browserChannel<string>("name", (message) => heard.push(message));
    channel?.post("said");
    channels[0]?.onmessage?.({ data: "heard" });
    channel?.close();
    expect(channels).toMatchObject([{ name: "django-chat-sessions 1 name", posted: ["said", "closed"] }]);
    expect(heard).toEqual(["heard"]);
    vi.stubGlobal("BroadcastChannel", undefined);
    expect(browserChannel("name", () => {})).toBeNull();
  });
});
