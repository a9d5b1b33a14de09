import { createApiClient } from "../apiClient.js";
import { type ChatStore, createChatStore } from "../chatStore.js";
import { createClock } from "../clock.js";
import type { PageSignal, PageSignals } from "../pageSignals.js";
import type { HintStorage } from "../storedHint.js";
import { createTabChannel, type OpenTransport, type TabMessage } from "../tabChannel.js";
import { FakeTimers } from "./fakeTimers.js";
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

  signal(signal: PageSignal): void {
    if (signal === "online" || signal === "offline") this.online = signal === "online";
    if (signal === "visible" || signal === "hidden") this.visible = signal === "visible";
    for (const listener of [...this.listeners]) listener(signal);
  }
}

export class FakeStorage implements HintStorage {
  readonly values = new Map<string, string>();
  getItem = (key: string) => this.values.get(key) ?? null;
  setItem = (key: string, value: string) => void this.values.set(key, value);
  removeItem = (key: string) => void this.values.delete(key);
}

/** What carries messages between the tabs of one browser. */
export class FakeBrowser {
  readonly storage = new FakeStorage();
  private readonly tabs = new Set<(message: TabMessage) => void>();

  transport: OpenTransport = (receive) => {
    this.tabs.add(receive);
    return {
      post: (message) => {
        for (const tab of [...this.tabs]) if (tab !== receive) tab(message);
      },
      close: () => void this.tabs.delete(receive),
    };
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
  storage?: HintStorage | null;
}

/** A server, a browser with tabs, and time, all in the test's hand. */
export class ChatBench {
  readonly timers = new FakeTimers();
  readonly server = new MemoryServer(this.timers);
  readonly browser = new FakeBrowser();
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
      tabs: createTabChannel(this.browser.transport),
      newKey: () => `key-000${++this.keys}`,
      random: () => 1,
      ...rest,
    });
  }

  async openTab(options: TabOptions = {}): Promise<Tab> {
    const tab = this.tab(options);
    await this.timers.advance(0);
    return tab;
  }
}
