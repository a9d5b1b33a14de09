import { createApiClient } from "../apiClient.js";
import type { OpenChannel } from "../browserChannel.js";
import { type ChatStore, createChatStore } from "../chatStore.js";
import { createClock, type Timers } from "../clock.js";
import { createHistoryStore, type HistoryStore } from "../historyStore.js";
import { createSharedUpdates } from "../sharedUpdates.js";
import { createTabChannel } from "../tabChannel.js";
import type { TabLock } from "../tabLock.js";
import { type ChatBench, FakePage } from "./chatBench.js";

export interface StoryTabOptions {
  name: string;
  fetchIn: (tab: string) => typeof globalThis.fetch;
  owner: string;
  /** How many rows its history lists at once. */
  limit: number;
  newKey: () => string;
}

/** A tab with a chat and both lists of a history, which may crash: what its browser gave it is then gone. */
export class StoryTab {
  readonly name: string;
  readonly page = new FakePage();
  readonly store: ChatStore;
  readonly history: HistoryStore;
  /** What its verbs have promised and not kept yet. */
  readonly unsettled = new Map<Promise<unknown>, string>();
  private readonly life = new AbortController();
  private readonly bench: ChatBench;
  /** What ends with the tab. */
  private readonly ends = new Set<() => void>();
  private disconnects: (() => void)[] = [];

  constructor(bench: ChatBench, { name, fetchIn, owner, limit, newKey }: StoryTabOptions) {
    this.name = name;
    this.bench = bench;
    const { page, timers, lock } = this;
    const api = createApiClient({
      baseUrl: "/chat",
      fetch: this.mortalFetch(fetchIn(name)),
      csrfToken: () => "token",
      timers,
    });
    const tabs = createTabChannel(this.mortal(bench.browser.channel));
    const random = () => 1;
    const channel = this.mortal(bench.sharing.channel);
    const updates = createSharedUpdates({ api, owner, clock: timers, page, random, lock, channel });
    const clock = createClock(timers);
    const storage = () => (this.isCrashed ? null : bench.browser.storage);
    this.store = createChatStore({ api, owner, clock, page, storage, lock, tabs, updates, newKey, random });
    this.history = createHistoryStore({ api, limit, timers, page, tabs, updates, scope: "" });
  }

  connect(): void {
    const { store, history } = this;
    this.disconnects = [store, history, history.archived()].map((part) => part.connect());
  }

  disconnect(): void {
    for (const disconnect of this.disconnects.splice(0)) disconnect();
  }

  /** Without a word to anybody. */
  crash(): void {
    this.life.abort();
    for (const end of [...this.ends]) end();
  }

  /** What this verb promises must come one day. */
  awaits(verb: string, promise: unknown): void {
    if (!(promise instanceof Promise)) return;
    this.unsettled.set(promise, verb);
    promise.then(
      () => this.unsettled.delete(promise),
      (error: unknown) => this.unsettled.set(promise, `${verb} rejects: ${error}`),
    );
  }

  private get isCrashed(): boolean {
    return this.life.signal.aborted;
  }

  private mortalFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return (input, { signal, ...init } = {}) =>
      fetch(input, { ...init, signal: AbortSignal.any([this.life.signal, ...(signal ? [signal] : [])]) });
  }

  private get timers(): Timers {
    const { timers } = this.bench;
    return {
      now: timers.now,
      setTimeout: (run, milliseconds) => timers.setTimeout(() => this.isCrashed || run(), milliseconds),
      clearTimeout: timers.clearTimeout,
    };
  }

  private get lock(): TabLock {
    return {
      request: (name, lead) => {
        if (this.isCrashed) return () => {};
        const release = this.bench.sharing.lock.request(name, () => this.isCrashed || lead());
        this.ends.add(release);
        return () => {
          this.ends.delete(release);
          release();
        };
      },
    };
  }

  private mortal<T>(open: OpenChannel<T>): OpenChannel<T> {
    return (name, receive) => {
      const channel = open(name, (message) => this.isCrashed || receive(message));
      if (channel === null) return null;
      this.ends.add(channel.close);
      return { post: (message) => this.isCrashed || channel.post(message), close: channel.close };
    };
  }
}
