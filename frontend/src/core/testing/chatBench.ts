import { type ApiClient, createApiClient } from "../apiClient.js";
import type { OpenChannel } from "../browserChannel.js";
import { type ChatStore, createChatStore } from "../chatStore.js";
import { createClock } from "../clock.js";
import type { BrowserStorage } from "../jsonStorage.js";
import type { LiveUpdates } from "../liveUpdates.js";
import type { PageSignal, PageSignals } from "../pageSignals.js";
import { createSharedUpdates, type NewsMessage } from "../sharedUpdates.js";
import { createTabChannel, type TabChannel, type TabMessage } from "../tabChannel.js";
import type { TabLock } from "../tabLock.js";
import { FakeTimers } from "./fakeTimers.js";
// Loaded beforehand, for its time is not the test's.
import "../updateStream.js";
import { MemoryServer } from "./memoryServer.js";

export class FakePage implements PageSignals {
  visible = true;
  online = true;
  private readonly listeners = new Set<(signal: PageSignal) => void>();

  isVisible = () => this.visible;
  isOnline = () => this.online;

  subscribe = (listener: (signal: PageSignal) => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  nextFrame = (run: () => void) => void setImmediate(run);

  signal(signal: PageSignal): void {
    if (signal === "online" || signal === "offline") this.online = signal === "online";
    if (signal === "visible" || signal === "hidden") this.visible = signal === "visible";
    for (const listener of [...this.listeners]) listener(signal);
  }
}

export class FakeStorage implements BrowserStorage {
  readonly values = new Map<string, string>();
  /** Characters in all. */
  room = Number.POSITIVE_INFINITY;
  get length() {
    return this.values.size;
  }
  key = (index: number) => [...this.values.keys()][index] ?? null;
  getItem = (key: string) => this.values.get(key) ?? null;
  get size() {
    return [...this.values].reduce((sum, [key, value]) => sum + key.length + value.length, 0);
  }
  get text() {
    return [...this.values.values()].join();
  }
  setItem = (key: string, value: string) => {
    const before = this.values.get(key);
    const freed = before === undefined ? 0 : key.length + before.length;
    const added = key.length + value.length - freed;
    // What takes less room than before is taken by browsers also where there is none.
    if (added > 0 && this.size + added > this.room) throw new DOMException("full", "QuotaExceededError");
    this.values.set(key, value);
    this.tell(key, value);
  };
  removeItem = (key: string) => {
    this.values.delete(key);
    this.tell(key, null);
  };

  private tell(key: string, newValue: string | null): void {
    window.dispatchEvent(Object.assign(new Event("storage"), { key, newValue }));
  }
}

/** What carries messages between the tabs of one browser. */
export class FakeBrowser {
  readonly storage = new FakeStorage();
  /** Whoever touches the storage is refused. */
  isBlocked = false;
  /** Then what is stored there may be of no use any more, and what is there may not be seen before the next visit. */
  wasBlocked = false;
  private readonly tabs = new Set<(message: TabMessage) => void>();

  channel: OpenChannel<TabMessage> = (_, receive) => {
    this.tabs.add(receive);
    return {
      post: (message) => {
        for (const tab of [...this.tabs]) if (tab !== receive) tab(message);
      },
      close: () => void this.tabs.delete(receive),
    };
  };
}

/** Web Locks and BroadcastChannel of one browser. */
export class FakeSharing {
  /** Everything that was said between tabs. */
  readonly said: NewsMessage[] = [];
  /** Nothing that is said is heard. */
  isDead = false;
  private readonly channels = new Map<string, Set<(news: NewsMessage) => void>>();
  private readonly queues = new Map<string, (() => void)[]>();

  readonly lock: TabLock = {
    request: (name, lead) => {
      const queue = this.queues.get(name) ?? [];
      this.queues.set(name, queue);
      queue.push(lead);
      if (queue[0] === lead) setImmediate(() => queue[0] === lead && lead());
      return () => {
        const at = queue.indexOf(lead);
        if (at === -1) return;
        queue.splice(at, 1);
        if (at === 0) queue[0]?.();
      };
    },
  };

  /** Whoever led or waited does so no longer, as in WebKit while it keeps a page for the way back. */
  takeLocks(): void {
    this.queues.clear();
  }

  readonly channel: OpenChannel<NewsMessage> = (name, receive) => {
    const tabs = this.channels.get(name) ?? new Set();
    this.channels.set(name, tabs);
    tabs.add(receive);
    const post = (news: NewsMessage) => {
      this.said.push(news);
      if (this.isDead) return;
      for (const tab of [...tabs]) if (tab !== receive) setImmediate(() => tabs.has(tab) && tab(structuredClone(news)));
    };
    return { post, close: () => void tabs.delete(receive) };
  };
}

export interface Tab {
  store: ChatStore;
  page: FakePage;
  disconnect: () => void;
}

export interface TabOptions {
  scope?: string;
  owner?: string;
  storage?: BrowserStorage | null;
  updates?: LiveUpdates;
  tabs?: TabChannel;
  api?: ApiClient;
  lock?: TabLock | null;
  random?: () => number;
}

/** A server, a browser with tabs, and time, all in the test's hand. */
export class ChatBench {
  readonly timers = new FakeTimers();
  readonly server = new MemoryServer(this.timers);
  readonly browser = new FakeBrowser();
  readonly sharing = new FakeSharing();
  private keys = 0;

  api() {
    return createApiClient({
      baseUrl: "/chat",
      fetch: this.server.fetch,
      csrfToken: () => "token",
      timers: this.timers,
    });
  }

  /** Connected; `await bench.timers.advance(0)` lets it load. */
  tab(options: TabOptions = {}): Tab {
    const page = new FakePage();
    const store = this.store(options, page);
    return { store, page, disconnect: store.connect() };
  }

  /** Not connected yet. */
  store(options: TabOptions = {}, page = new FakePage()): ChatStore {
    const { storage = this.browser.storage, ...rest } = options;
    return createChatStore({
      api: this.api(),
      clock: createClock(this.timers),
      page,
      storage: () => storage,
      tabs: createTabChannel(this.browser.channel),
      updates: this.updates(page, options.owner),
      lock: this.sharing.lock,
      newKey: () => `key-000${++this.keys}`,
      random: () => 1,
      ...rest,
    });
  }

  updates(page = new FakePage(), owner?: string): LiveUpdates {
    const { lock, channel } = this.sharing;
    const parts = { clock: this.timers, page, random: () => 1, lock, channel };
    return createSharedUpdates({ api: this.api(), owner, ...parts });
  }

  async openTab(options: TabOptions = {}): Promise<Tab> {
    const tab = this.tab(options);
    await this.timers.advance(0);
    return tab;
  }
}
