import type { ChatContext } from "./chatContext.js";
import type { ChatState } from "./chatState.js";
import type { TimerId } from "./clock.js";
import { stillRunning } from "./elsewhere.js";
import { isRetryable, retryAfterOf } from "./errors.js";
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
  // Each is compared with what those before it have said.
  let isElsewhere = false;
  const take = (known: ChatState, one: News) => {
    isElsewhere ||= isOtherwise(known, one, scope);
    return updated(known, one);
  };
  update((state) => news.reduce(take, state));
  const awaited = awaitedEarlier(context.state);
  // Also by rows of others: what said that this one was over may have come while something else was being read.
  const mayHaveEnded = ({ history_changed, isWhole, sessions }: News) =>
    history_changed || isWhole || sessions.length > 0;
  if (awaited !== null && news.some(mayHaveEnded)) {
    call(api.getTranscript(awaited, { limit: PAGE })).then(
      (page) => update((state) => withEarlier(state, page.messages)),
      report,
    );
  }
  if (news.some(({ history_changed }) => history_changed)) forgetGone(context);
  const mayLack = context.state.gap || news.some(({ sessions }) => sessions.length > 0);
  if (isElsewhere) void reading.refresh();
  else if (before.loaded && !reading.isDue() && mayLack) {
    reading.catchUp().catch((error: unknown) => {
      report(error);
      reading.retryLater(error);
    });
  }
}

/** Of each chat, when it asks again. */
const due = new WeakMap<ChatContext, TimerId>();

/** A message for a chat that was deleted while it answered would wait for that answer for ever. */
function forgetGone(context: ChatContext): void {
  const { api, call, clock, update } = context;
  for (const id of context.state.elsewhere.running) {
    call(api.getSession(id)).catch((error: unknown) => {
      if (!isRetryable(error))
        return update((now) => ({ ...now, elsewhere: stillRunning(now.elsewhere, (other) => other !== id) }));
      // It may well be there, and its answer is still awaited. Once for all of them, however often it is asked meanwhile.
      clock.clearTimeout(due.get(context) ?? null);
      const again = () => context.live && forgetGone(context);
      due.set(context, clock.setTimeout(again, Math.max(AGAIN, retryAfterOf(error) * 1000)));
    });
  }
}

/** News wait for the next frame, and for answers under way that they would have to be put on top of. */
function begin(context: ChatContext, reading: Reading): NewsIntake {
  const { page } = context;
  let waiting: News[] = [];
  let isFrameAsked = false;
  /** Whose news come: a stream goes on with those of whoever was logged in when it was opened. */
  let { reader } = context;
  const isTime = () => waiting.length > 0 && context.live !== null && context.isSettled();
  const intake = () => {
    isFrameAsked = false;
    if (isTime()) hear(context, reading, waiting.splice(0));
  };
  const proceed = () => {
    if (reader !== null && reader !== context.reader) context.live?.renew();
    reader = context.reader;
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
