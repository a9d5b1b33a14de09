import type { ChatContext } from "./chatContext.js";
import { stillRunning } from "./elsewhere.js";
import { isRetryable } from "./errors.js";
import type { NewsIntake, NewsRules } from "./liveUpdates.js";
import { awaitedEarlier, isOtherwise, updated, withEarlier } from "./news.js";
import { nextFrame } from "./nextFrame.js";
import { PAGE, type Reading } from "./reading.js";
import type { News } from "./updatesReader.js";

/** Milliseconds until it is asked again whether a chat is there. */
const AGAIN = 5000;

/** Take what has come, and read what it leaves open. */
function hear(context: ChatContext, reading: Reading, news: readonly News[]): void {
  const { api, call, update, report } = context;
  const before = context.state;
  const scope = context.shownScope();
  const isElsewhere = news.some((one) => isOtherwise(before, one, scope));
  update((state) => news.reduce((known, one) => updated(known, one), state));
  const awaited = awaitedEarlier(context.state);
  if (awaited !== null && news.some(({ history_changed, isWhole }) => history_changed || isWhole)) {
    call(api.getTranscript(awaited, { limit: PAGE })).then(
      (page) => update((state) => withEarlier(state, page.messages)),
      report,
    );
  }
  if (news.some(({ history_changed }) => history_changed)) forgetGone(context);
  const mayLack = context.state.gap || news.some(({ sessions }) => sessions.length > 0);
  if (isElsewhere) void reading.refresh();
  else if (before.loaded && !reading.isDue() && mayLack) {
    reading.catchUp(context.epoch).catch((error: unknown) => {
      report(error);
      reading.retryLater(error);
    });
  }
}

/** A message for a chat that was deleted while it answered would wait for that answer for ever. */
function forgetGone(context: ChatContext, ids = context.state.elsewhere.running): void {
  const { api, call, clock, update } = context;
  for (const id of ids) {
    call(api.getSession(id)).catch((error: unknown) => {
      // It may well be there, and its answer is still awaited.
      if (isRetryable(error)) clock.setTimeout(() => context.live && forgetGone(context, [id]), AGAIN);
      else update((now) => ({ ...now, elsewhere: stillRunning(now.elsewhere, (other) => other !== id) }));
    });
  }
}

/** News wait for the next frame, and for answers under way that they would have to be put on top of. */
function begin(context: ChatContext, reading: Reading): NewsIntake {
  const { page } = context;
  let waiting: News[] = [];
  let isFrameAsked = false;
  const isTime = () => waiting.length > 0 && context.live !== null && context.isSettled();
  const intake = () => {
    isFrameAsked = false;
    if (isTime()) hear(context, reading, waiting.splice(0));
  };
  const proceed = () => {
    if (isFrameAsked || !isTime()) return;
    isFrameAsked = true;
    if (page.nextFrame) page.nextFrame(intake);
    else nextFrame(intake);
  };
  return {
    proceed,
    take(news) {
      waiting = [...waiting, news];
      proceed();
    },
  };
}

export const newsRules: NewsRules = { begin };
