import type { ChatContext } from "./chatContext.js";
import { isConnectionTrouble } from "./errors.js";
import type { LiveUpdates, NewsIntake } from "./liveUpdates.js";
import type { Reading } from "./reading.js";

/** What the server tells unasked. */
export interface Following {
  start(): void;
  stop(): void;
  /** Take the news that wait, if now is the time. */
  proceed(): void;
}

export function createFollowing(context: ChatContext, reading: Reading, updates: LiveUpdates): Following {
  const { page, set, report, reached } = context;
  let intake: NewsIntake | null = null;

  const lost = () => set({ lostNews: context.state.lostNews + 1, online: page.isOnline() });

  return {
    proceed: () => intake?.proceed(),
    start() {
      context.live = updates.join({
        news(one, rules) {
          intake ??= rules.begin(context, reading);
          intake.take(one);
        },
        found() {
          set({ lostNews: 0 });
          reached();
        },
        lost(error) {
          lost();
          // A refusal is an answer all the same: whoever is told to wait is not cut off.
          if (!isConnectionTrouble(error)) reached();
          report(error);
        },
        missing() {
          lost();
          void reading.refresh();
        },
      });
    },
    stop() {
      context.live?.leave();
      // What waits is taken when it is back: nobody tells it again.
      context.live = null;
    },
  };
}
