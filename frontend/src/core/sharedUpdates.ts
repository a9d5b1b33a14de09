import { type BrowserChannel, browserChannel, type OpenChannel } from "./browserChannel.js";
import { systemTimers, type TimerId, type Timers } from "./clock.js";
import type { LiveUpdates, LiveUpdatesOptions, UpdatesListener, UpdatesMember } from "./liveUpdates.js";
import { newsRules } from "./newsRules.js";
import { browserPage, type PageSignal, type PageSignals } from "./pageSignals.js";
import { browserLock, type TabLock } from "./tabLock.js";
import { type News, UpdatesReader } from "./updatesReader.js";

/** What the tabs of one reader say to each other about news. */
export type NewsMessage =
  /** A new tab: is anybody reading for us? */
  | { kind: "ask" }
  /** The reader may be another one for the server now: read anew. */
  | { kind: "renew" }
  /** The leader lives, and whether news reach it. */
  | { kind: "alive"; isStreaming: boolean }
  | { kind: "news"; news: News };

/** How long a leader that said nothing is still believed to read for us. */
const TRUST = 35_000;
/** How long a new tab waits to hear of a leader. */
const GRACE = 1000;
/** A leader says no more often than this that it lives. */
const BEAT = 5000;

/** One stream for all members, and for all tabs of a browser in which the same reader is. */
export function createSharedUpdates(options: LiveUpdatesOptions): LiveUpdates {
  return new SharedUpdates(options);
}

class SharedUpdates implements LiveUpdates {
  private readonly clock: Timers;
  private readonly page: PageSignals;
  private readonly reader: UpdatesReader;
  private readonly name: string;
  private readonly lock: TabLock | null;
  private readonly openChannel: OpenChannel<NewsMessage> | null;
  /** Each with whether it waits for an answer. */
  private readonly members = new Map<UpdatesListener, boolean>();
  private channel: BrowserChannel<NewsMessage> | null = null;
  private isLeader = false;
  private isStreaming = false;
  /** Whether a leader has been heard of since we came. */
  private isLed = false;
  private beatAt = Number.NEGATIVE_INFINITY;
  private trust: TimerId = null;
  private resign = () => {};
  private disconnect = () => {};

  constructor(options: LiveUpdatesOptions) {
    const { api, owner = "", scope } = options;
    this.clock = options.clock ?? systemTimers;
    this.page = options.page ?? browserPage();
    this.name = `news ${JSON.stringify([api.baseUrl, owner])}`;
    this.lock = options.lock === undefined ? browserLock() : options.lock;
    this.openChannel = options.channel === undefined ? browserChannel : options.channel;
    const random = options.random ?? Math.random;
    this.reader = new UpdatesReader(
      { api, scope, clock: this.clock, page: this.page, random },
      {
        news: (news) => this.read(news),
        alive: (isStreaming) => this.reached(isStreaming),
        lost: (error) => this.lost(error),
      },
    );
  }

  join = (given: UpdatesListener): UpdatesMember => {
    const listener = { ...given };
    this.members.set(listener, false);
    if (this.members.size === 1) this.connect();
    return {
      await: (isAwaited) => {
        if (this.members.has(listener)) this.members.set(listener, isAwaited);
        this.reader.await([...this.members.values()].includes(true));
      },
      renew: () => this.renew(),
      leave: () => {
        if (!this.members.delete(listener)) return;
        this.reader.await([...this.members.values()].includes(true));
        if (this.members.size === 0) this.disconnect();
      },
    };
  };

  private connect(): void {
    const stopPage = this.page.subscribe((signal) => this.signalled(signal));
    this.disconnect = () => {
      stopPage();
      this.reader.stop();
      this.clock.clearTimeout(this.trust);
      this.resign();
      this.channel?.close();
      this.channel = null;
      this.isLeader = false;
      this.isStreaming = false;
      this.isLed = false;
    };
    this.channel = this.lock && (this.openChannel?.(this.name, (message) => this.hear(message)) ?? null);
    this.queueUp();
  }

  private queueUp(): void {
    const { lock, channel } = this;
    if (lock === null || channel === null) {
      this.lead();
      return;
    }
    this.resign();
    this.isLeader = false;
    this.isLed = false;
    channel.post({ kind: "ask" });
    this.believe(GRACE);
    this.resign = lock.request(this.name, () => this.lead());
  }

  private lead(): void {
    this.isLeader = true;
    this.clock.clearTimeout(this.trust);
    this.reader.start("stream");
  }

  private signalled(signal: PageSignal): void {
    // WebKit lets others lead while it keeps a page for the way back, and does not say so.
    if (signal === "restored") this.queueUp();
    if (signal !== "hidden" && signal !== "offline") this.reader.hurry(signal !== "visible");
  }

  private read(news: News): void {
    if (this.isLeader) this.channel?.post({ kind: "news", news });
    this.tell((listener) => listener.news(news, newsRules));
  }

  private reached(isStreaming: boolean): void {
    this.beat(isStreaming);
    this.tell((listener) => listener.found());
  }

  private lost(error: unknown): void {
    this.beat(false);
    this.tell((listener) => listener.lost(error));
  }

  /** Let the other tabs know how we fare, when that is new or they may begin to wonder. */
  private beat(isStreaming: boolean): void {
    const now = this.clock.now();
    const isNew = isStreaming !== this.isStreaming || now - this.beatAt >= BEAT;
    this.isStreaming = isStreaming;
    if (!this.isLeader || !isNew) return;
    this.beatAt = now;
    this.channel?.post({ kind: "alive", isStreaming });
  }

  private renew(): void {
    // Also of a tab that was refused what it asked for itself.
    this.reader.renew();
    if (!this.isLeader) this.channel?.post({ kind: "renew" });
  }

  private hear(message: NewsMessage): void {
    if (this.isLeader) {
      if (message.kind === "ask") this.channel?.post({ kind: "alive", isStreaming: this.isStreaming });
      if (message.kind === "renew") this.renew();
    } else if (message.kind === "news") this.hearNews(message.news);
    else if (message.kind === "alive") this.hearOfLeader(message.isStreaming);
  }

  private hearNews(news: News): void {
    // Whoever takes over goes on from here.
    this.reader.cursor = news.cursor;
    this.tell((listener) => listener.news(news, newsRules));
  }

  private hearOfLeader(isStreaming: boolean): void {
    if (isStreaming) {
      this.believe(TRUST);
      // What it told before we came is not told again.
      if (!this.isLed) this.reader.askOnce();
      this.isLed = true;
      this.tell((listener) => listener.found());
    } else this.distrust();
  }

  /** A leader that lives reads for us. One may be frozen, or read for somebody else: then we still look at times. */
  private believe(milliseconds: number): void {
    this.clock.clearTimeout(this.trust);
    this.trust = this.clock.setTimeout(() => this.distrust(), milliseconds);
    this.reader.start("watch");
  }

  private distrust(): void {
    this.clock.clearTimeout(this.trust);
    this.reader.start("poll");
  }

  private tell(say: (listener: UpdatesListener) => void): void {
    for (const listener of [...this.members.keys()]) say(listener);
  }
}
