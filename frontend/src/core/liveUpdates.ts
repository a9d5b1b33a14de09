import type { ApiClient } from "./apiClient.js";
import { backoff } from "./backoff.js";
import type { OpenChannel } from "./browserChannel.js";
import type { ChatContext } from "./chatContext.js";
import { systemTimers, type TimerId, type Timers } from "./clock.js";
import type { PageSignals } from "./pageSignals.js";
import type { Reading } from "./reading.js";
import type { NewsMessage } from "./sharedUpdates.js";
import type { TabLock } from "./tabLock.js";
import type { News } from "./updatesReader.js";

export interface LiveUpdatesOptions {
  api: ApiClient;
  /** Names the signed-in reader: only tabs of the same reader share their news. */
  owner?: string | undefined;
  /** Where a new session is expected first. */
  scope?: string | undefined;
  clock?: Timers | undefined;
  page?: PageSignals | undefined;
  random?: (() => number) | undefined;
  /** The browser's when absent; with null for either, each tab reads for itself. */
  lock?: TabLock | null | undefined;
  channel?: OpenChannel<NewsMessage> | null | undefined;
}

/** What news mean for a chat; they come along with the first of them. */
export interface NewsRules {
  begin(context: ChatContext, reading: Reading): NewsIntake;
}

export interface NewsIntake {
  take(news: News): void;
  /** Those that wait go in, if now is the time. */
  proceed(): void;
}

export interface UpdatesListener {
  news(news: News, rules: NewsRules): void;
  /** News come again, or for the first time. */
  found(): void;
  /** No news can be had just now. */
  lost(error: unknown): void;
  /** Their code cannot be had just now, and in some browsers never again on this page: read without them. */
  missing(): void;
}

export interface UpdatesMember {
  /** Whether this member waits for an answer: then news are wanted quickly. */
  await(isAwaited: boolean): void;
  /** The server may know this reader by another name now, such as a visitor by the cookie of the first message. */
  renew(): void;
  leave(): void;
}

/** What changes for one reader, for as long as there are members. */
export interface LiveUpdates {
  join(listener: UpdatesListener): UpdatesMember;
}

/** Its code comes after the page has been shown; until then there are no news. */
export function createLiveUpdates(options: LiveUpdatesOptions): LiveUpdates {
  const { clock = systemTimers, random = Math.random } = options;
  let shared: Promise<LiveUpdates> | null = null;
  return {
    join(listener) {
      let member: UpdatesMember | null = null;
      let isAwaited = false;
      let hasLeft = false;
      let timer: TimerId = null;
      const enter = (attempts: number) => {
        timer = null;
        shared ??= import("./sharedUpdates.js").then(({ createSharedUpdates }) => createSharedUpdates(options));
        shared.then(
          (updates) => {
            if (hasLeft) return;
            member = updates.join(listener);
            member.await(isAwaited);
          },
          () => {
            shared = null;
            if (hasLeft) return;
            const pause = backoff(isAwaited ? Math.min(1, attempts) : attempts, random);
            timer = clock.setTimeout(() => enter(attempts + 1), pause);
            listener.missing();
          },
        );
      };
      enter(0);
      return {
        await(value) {
          if (value === isAwaited) return;
          isAwaited = value;
          member?.await(value);
          if (!value || timer === null) return;
          clock.clearTimeout(timer);
          enter(0);
        },
        renew: () => member?.renew(),
        leave() {
          hasLeft = true;
          clock.clearTimeout(timer);
          member?.leave();
        },
      };
    },
  };
}
