import type { ApiClient } from "./apiClient.js";
import { backoff } from "./backoff.js";
import type { Timers } from "./clock.js";
import { ApiError, isRetryable, retryAfterOf } from "./errors.js";
import type { PageSignals } from "./pageSignals.js";
import type { Updates } from "./wire.js";

/** `stream` where that is possible, `poll`, or `watch`: another tab reads for us, so look only now and then. */
type ReaderMode = "stream" | "poll" | "watch";

export interface News extends Updates {
  /** The answer to whoever had no cursor: every session that is open, so one that is not named no longer is. */
  isWhole: boolean;
}

interface ReaderParts {
  api: ApiClient;
  scope: string | undefined;
  clock: Timers;
  page: PageSignals;
  random: () => number;
}

interface ReaderEvents {
  news(news: News): void;
  /** The server has answered; whether by a stream. */
  alive(isStreaming: boolean): void;
  /** No news can be had just now. */
  lost(error: unknown): void;
}

const FIRST = 400;
const GROWTH = 1.35;
const LONGEST = 2000;
const RARELY = 10_000;
const IDLE = 20_000;
/** Between a stream that the server has ended and the next. */
const BREATH = 250;
/** A stream that ends sooner, with no news, was cut off by something in between. */
const SHORT = 5000;
/** Comments come every 15 seconds: whoever looks at the page need not wait until the silence is certain. */
const STALE = 20_000;
const FRUITLESS = 2;
/** The server greets at once: what is not there by then is kept back by something in between, to its end perhaps. */
const HELD_BACK = 10_000;
/** Whoever waits for an answer asks at least so often whether the server is back. */
const LONGEST_WAIT = 4000;
const STREAM_AGAIN = 300_000;
const TOO_MANY = 60_000;

/** Asks the server for news behind a cursor, for as long as somebody wants them. */
export class UpdatesReader {
  cursor: string | undefined;
  private readonly parts: ReaderParts;
  private readonly events: ReaderEvents;
  private mode: ReaderMode | null = null;
  private isAwaited = false;
  private interval = FIRST;
  private failures = 0;
  private fruitless = 0;
  private streamsFrom = 0;
  private heardAt = 0;
  private isBusy = false;
  private isRefused = false;
  /** Whether the pause is the server's own wish. */
  private isToldToWait = false;
  private timer: unknown = null;
  private current = new AbortController();

  constructor(parts: ReaderParts, events: ReaderEvents) {
    this.parts = parts;
    this.events = events;
  }

  start(mode: ReaderMode): void {
    if (mode === this.mode) return;
    this.halt();
    this.mode = mode;
    this.goOn();
  }

  stop(): void {
    this.halt();
    this.mode = null;
  }

  /** Whether the reader of this page waits for an answer. */
  await(isAwaited: boolean): void {
    if (isAwaited === this.isAwaited) return;
    this.isAwaited = isAwaited;
    this.interval = FIRST;
    // A message that was taken says that the server is there, and that who was refused may ask again.
    const mayAsk = this.isRefused || (this.failures > 0 && !this.isToldToWait) ? isAwaited : this.failures === 0;
    if (this.mode !== null && !this.isBusy && mayAsk) this.goOn();
  }

  /** Do not wait any longer. A stream is opened anew if it is old, or its connection may be another one now. */
  hurry(isReconnected: boolean): void {
    this.interval = FIRST;
    const isFresh = this.isBusy && this.parts.clock.now() - this.heardAt < STALE;
    const isIdle = this.mode === "watch" && !this.isAwaited;
    if (this.mode === null || isIdle || (isFresh && !isReconnected)) return;
    this.halt();
    this.look();
  }

  /** Ask now what has changed, be it that another tab tells us the rest. */
  askOnce(): void {
    if (!this.isBusy) this.look();
  }

  /** A stream was opened as whoever the reader was then; each poll says anew who asks. */
  renew(): void {
    if (!this.isRefused && !(this.isBusy && this.wantsStream())) return;
    this.halt();
    this.look();
  }

  private halt(): void {
    this.isRefused = false;
    this.current.abort();
    this.wait(null);
  }

  private wait(milliseconds: number | null): void {
    this.isBusy = false;
    this.parts.clock.clearTimeout(this.timer);
    this.timer = milliseconds === null ? null : this.parts.clock.setTimeout(() => this.look(), milliseconds);
  }

  private goOn(): void {
    if (this.wantsStream()) this.look();
    else this.next();
  }

  private next(): void {
    this.wait(this.pause());
  }

  private pause(): number | null {
    const isVisible = this.parts.page.isVisible();
    if (!this.isAwaited) return isVisible && this.mode !== "watch" ? IDLE : null;
    if (!isVisible || this.mode === "watch") return RARELY;
    const { interval } = this;
    this.interval = Math.min(LONGEST, interval * GROWTH);
    return interval;
  }

  private wantsStream(): boolean {
    return this.mode === "stream" && this.parts.clock.now() >= this.streamsFrom;
  }

  private look(): void {
    this.wait(null);
    this.isBusy = true;
    this.isRefused = false;
    this.current = new AbortController();
    void (this.wantsStream() ? this.stream(this.current.signal) : this.poll(this.current.signal));
  }

  private async poll(signal: AbortSignal): Promise<void> {
    const { api, scope } = this.parts;
    const since = this.cursor;
    try {
      const updates = await api.getUpdates({ since, scope });
      if (signal.aborted) return;
      this.heard(false);
      if (updates !== null) this.take(updates, since === undefined);
      this.next();
    } catch (error) {
      if (!signal.aborted) this.fail(error);
    }
  }

  private async stream(signal: AbortSignal): Promise<void> {
    const { api, scope, clock, random } = this.parts;
    const began = clock.now();
    const since = this.cursor;
    let hasNews = false;
    const onUpdates = (updates: Updates) => {
      if (signal.aborted) return;
      this.take(updates, since === undefined && !hasNews);
      hasNews = true;
      this.fruitless = 0;
    };
    let isAlive = false;
    const onAlive = () => {
      isAlive = true;
      if (signal.aborted) return;
      clock.clearTimeout(this.timer);
      this.heard(true);
    };
    this.timer = clock.setTimeout(() => {
      this.halt();
      this.pollInstead();
    }, HELD_BACK);
    // One that lived is good whatever ended it; one that was refused at once says nothing about streams.
    const isFruitless = () => !hasNews && isAlive === clock.now() - began < SHORT;
    try {
      const isStream = await api.streamUpdates({ since, scope, signal, onUpdates, onAlive });
      if (signal.aborted) return;
      if (!isStream) this.settleForPolling(Number.POSITIVE_INFINITY);
      else if (hasNews || clock.now() - began >= SHORT) this.wait(BREATH * (1 + random()));
      else this.failStream(new ApiError({ message: "The stream ended too soon." }), true);
    } catch (error) {
      if (!signal.aborted) this.refuseStream(error, isFruitless());
    }
  }

  private heard(isStreaming: boolean): void {
    this.failures = 0;
    this.heardAt = this.parts.clock.now();
    this.events.alive(isStreaming);
  }

  private take(updates: Updates, isWhole: boolean): void {
    this.cursor = updates.cursor;
    this.events.news({ ...updates, isWhole });
  }

  private settleForPolling(until: number): void {
    this.streamsFrom = until;
    this.heard(false);
    this.next();
  }

  private refuseStream(error: unknown, isFruitless: boolean): void {
    const status = error instanceof ApiError ? error.status : 0;
    if (error instanceof ApiError && error.code === "too_many_streams") {
      const pause = Math.max(TOO_MANY, retryAfterOf(error) * 1000);
      this.settleForPolling(this.parts.clock.now() + pause);
    } else if ([404, 405, 406, 501].includes(status)) this.settleForPolling(Number.POSITIVE_INFINITY);
    else if (error instanceof ApiError) this.failStream(error, isFruitless);
    // The code for streams did not come; polls need none.
    else this.pollInstead();
  }

  private pollInstead(): void {
    this.streamsFrom = this.parts.clock.now() + STREAM_AGAIN;
    this.look();
  }

  /** Where streams never bear fruit, such as behind a proxy that holds them back, polls may. */
  private failStream(error: unknown, isFruitless: boolean): void {
    if (isFruitless) this.fruitless += 1;
    if (this.fruitless >= FRUITLESS) this.streamsFrom = this.parts.clock.now() + STREAM_AGAIN;
    this.fail(error);
  }

  private fail(error: unknown): void {
    const isUnknownCursor = error instanceof ApiError && error.status === 400 && this.cursor !== undefined;
    // Everything is asked for next, so nothing is lost.
    if (isUnknownCursor) this.cursor = undefined;
    else this.events.lost(error);
    // What was refused will be refused again; `hurry`, `renew` and who waits for an answer ask anew.
    this.isBusy = false;
    this.isRefused = !isUnknownCursor && !isRetryable(error);
    this.isToldToWait = retryAfterOf(error) > 0;
    if (this.isRefused) return;
    const isWatched = this.isAwaited && this.parts.page.isVisible();
    const longest = isWatched ? Math.max(LONGEST_WAIT, retryAfterOf(error) * 1000) : Number.POSITIVE_INFINITY;
    this.wait(Math.min(longest, backoff(this.failures, this.parts.random, error)));
    this.failures += 1;
  }
}
