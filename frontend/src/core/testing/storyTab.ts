import { createApiClient } from "../apiClient.js";
import type { OpenChannel } from "../browserChannel.js";
import { type ChatStore, createChatStore } from "../chatStore.js";
import { createClock, type Timers } from "../clock.js";
import { createHistoryStore, type HistoryStore } from "../historyStore.js";
import { createSharedUpdates } from "../sharedUpdates.js";
import { createTabChannel } from "../tabChannel.js";
import type { TabLock } from "../tabLock.js";
import { type ChatBench, FakePage } from "./chatBench.js";
import { Witness } from "./witness.js";

export interface StoryTabOptions {
  name: string;
  fetchIn: (tab: string) => typeof globalThis.fetch;
  owner: string;
  /** How many rows its history lists at once. */
  limit: number;
  newKey: () => string;
  /** What this device's clock shows. */
  now: () => number;
}

/** A tab with a chat and both lists of a history, which may crash: what its browser gave it is then gone. */
export class StoryTab {
  readonly name: string;
  /** Who had logged in when it was loaded. */
  readonly owner: string;
  readonly page = new FakePage();
  readonly store: ChatStore;
  readonly history: HistoryStore;
  readonly witness: Witness;
  /** What its verbs have promised and not kept yet. */
  readonly unsettled = new Map<Promise<unknown>, string>();
  /** What it had not noticed by itself after everything worked again. */
  readonly unhealed: string[] = [];
  private readonly life = new AbortController();
  private readonly bench: ChatBench;
  private readonly now: () => number;
  /** What ends with the tab. */
  private readonly ends = new Set<() => void>();
  private disconnects: (() => void)[] = [];
  /** Present while it is frozen. */
  thaw: (() => void) | null = null;
  /** Whether it takes just now what another tab says. */
  isHearing = false;
  private thawed: Promise<void> = Promise.resolve();
  /** What has come since, by timer where it is one. */
  private readonly waiting = new Map<unknown, () => void>();

  constructor(bench: ChatBench, { name, fetchIn, owner, limit, newKey, now }: StoryTabOptions) {
    this.name = name;
    this.owner = owner;
    this.bench = bench;
    this.now = now;
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
    const storage = () => (this.isCrashed || bench.browser.isBlocked ? null : bench.browser.storage);
    this.store = createChatStore({ api, owner, clock, page, storage, lock, tabs, updates, newKey, random });
    this.history = createHistoryStore({ api, limit, timers, page, tabs, updates, scope: "" });
    this.witness = new Witness(this.store);
  }

  get isConnected(): boolean {
    return this.disconnects.length > 0;
  }

  get lists(): Record<"history" | "archived", HistoryStore> {
    return { history: this.history, archived: this.history.archived() };
  }

  connect(): void {
    this.disconnects = [this.store, ...Object.values(this.lists)].map((part) => part.connect());
  }

  disconnect(): void {
    for (const disconnect of this.disconnects.splice(0)) disconnect();
  }

  /** Without a word to anybody. */
  crash(): void {
    this.life.abort();
    for (const end of [...this.ends]) end();
  }

  /** As a browser does with a tab that nobody sees: its locks stay held, and what comes waits. */
  freeze(): void {
    this.thawed = new Promise((resolve) => {
      this.thaw = () => {
        this.thaw = null;
        // Each may clear the next.
        for (const run of this.waiting.values()) run();
        this.waiting.clear();
        resolve();
        this.page.signal("restored");
      };
    });
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

  private live(run: () => void, name: unknown = {}): void {
    if (this.isCrashed) return;
    if (this.thaw) this.waiting.set(name, run);
    else run();
  }

  private mortalFetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return (input, { signal, ...init } = {}) => {
      this.witness.requested(init);
      const life = AbortSignal.any([this.life.signal, ...(signal ? [signal] : [])]);
      return fetch(input, { ...init, signal: life }).finally(() => this.thaw && this.thawed);
    };
  }

  private get timers(): Timers {
    const { timers } = this.bench;
    return {
      now: this.now,
      setTimeout: (run, milliseconds) => {
        const id = timers.setTimeout(() => this.live(run, id), milliseconds);
        return id;
      },
      clearTimeout: (id) => {
        timers.clearTimeout(id);
        this.waiting.delete(id);
      },
    };
  }

  private get lock(): TabLock {
    return {
      request: (name, lead) => {
        if (this.isCrashed) return () => {};
        const release = this.bench.sharing.lock.request(name, () => this.live(lead));
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
      const hear = (message: T) => {
        this.isHearing = true;
        receive(message);
        this.isHearing = false;
      };
      const channel = open(name, (message) => this.live(() => hear(message)));
      if (channel === null) return null;
      this.ends.add(channel.close);
      return { post: (message) => this.isCrashed || channel.post(message), close: channel.close };
    };
  }
}
