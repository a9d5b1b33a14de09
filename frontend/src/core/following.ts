import type { ChatContext } from "./chatContext.js";
import { isConnectionTrouble } from "./errors.js";
import type { LiveUpdates, NewsRules } from "./liveUpdates.js";
import type { Reading } from "./reading.js";
import type { News } from "./updatesReader.js";

/** What the server tells unasked. */
export interface Following {
  start(): void;
  stop(): void;
  /** Take the news that wait, if now is the time. */
  proceed(): void;
}

export function createFollowing(context: ChatContext, reading: Reading, updates: LiveUpdates): Following {
  const { page, set, report, reached } = context;
  let waiting: { news: News[]; rules: NewsRules } | null = null;
  let isFrameAsked = false;

  /** News wait for the next frame, and for answers under way that they would have to be put on top of. */
  const proceed = () => {
    if (isFrameAsked || waiting === null || !context.isSettled()) return;
    isFrameAsked = true;
    page.nextFrame(() => {
      isFrameAsked = false;
      if (waiting === null || !context.isSettled()) return;
      const { news, rules } = waiting;
      waiting = null;
      rules.hear(context, reading, news);
    });
  };

  const lost = () => set({ lostNews: context.state.lostNews + 1, online: page.isOnline() });

  return {
    proceed,
    start() {
      context.live = updates.join({
        news(one, rules) {
          waiting = { news: [...(waiting?.news ?? []), one], rules };
          proceed();
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
      context.live = waiting = null;
    },
  };
}
