import { createActivity } from "./activity.js";
import type { ApiClient } from "./apiClient.js";
import { createChatContext } from "./chatContext.js";
import { warningFor } from "./chatState.js";
import { type Clock, createClock } from "./clock.js";
import { createDeadline } from "./deadline.js";
import { createFollowing } from "./following.js";
import { type BrowserStorage, createJsonStorage } from "./jsonStorage.js";
import { createLifecycle } from "./lifecycle.js";
import { createLiveUpdates, type LiveUpdates } from "./liveUpdates.js";
import { newMessageKey } from "./messageKey.js";
import { createOutbox } from "./outbox.js";
import { browserPage, type PageSignal, type PageSignals } from "./pageSignals.js";
import { createReading } from "./reading.js";
import { createSending } from "./sending.js";
import { type ChatSnapshot, toSnapshot } from "./snapshot.js";
import { createSource } from "./source.js";
import { createStoredHint } from "./storedHint.js";
import { createTabChannel, type TabChannel } from "./tabChannel.js";
import { browserLock, type TabLock } from "./tabLock.js";
import { idleSeconds, runningReply } from "./transcript.js";
import { lapsed } from "./transitions.js";

export interface ChatStoreOptions {
  api: ApiClient;
  /** What the chat is about; `""` when absent. */
  scope?: string | undefined;
  /** Names the signed-in reader, so that drafts of two people at one browser stay apart. */
  owner?: string | undefined;
  clock?: Clock | undefined;
  page?: PageSignals | undefined;
  /** The browser's when absent, as are the locks. */
  storage?: (() => BrowserStorage | null) | undefined;
  lock?: TabLock | null | undefined;
  tabs?: TabChannel | undefined;
  /** Where news come from; shared with a history of the same reader. */
  updates?: LiveUpdates | undefined;
  newKey?: (() => string) | undefined;
  random?: (() => number) | undefined;
}

export interface ChatStore {
  readonly scope: string;
  getSnapshot(): ChatSnapshot;
  subscribe(listener: () => void): () => void;
  /** Start to listen and to read; call what it returns when the chat leaves the page. */
  connect(): () => void;
  load(): Promise<void>;
  /** The new message's key; null when it is blank or an older session is shown. */
  send(text: string): string | null;
  retry(key: string): void;
  /** After `session_ended`: continue that session, then send there. */
  retryInEnded(key: string): Promise<void>;
  /** After `session_ended`: send in the session that is open now. */
  retryInCurrent(key: string): void;
  discard(key: string): void;
  startNew(): Promise<boolean>;
  reopen(sessionId: string): Promise<boolean>;
  end(): Promise<boolean>;
  /** Stop the reply that is being written; what was written stays. */
  stop(): Promise<boolean>;
  /** Ask again for the last reply, which failed, was interrupted or was stopped. */
  retryReply(): Promise<boolean>;
  /** Deliberate activity happened in the chat; reported at most every 30 seconds. */
  touch(): void;
  /** "Keep this chat": report activity at once. */
  keep(): Promise<boolean>;
  /** Show an older session, read-only until it is reopened. */
  open(sessionId: string): Promise<void>;
  openCurrent(): Promise<void>;
  loadOlder(): Promise<void>;
  setDraft(text: string): void;
  dismissError(): void;
  /** Whether nobody can see the chat although its page can be seen; no answer counts as read then. */
  hide(hidden: boolean): void;
}

const TOUCH_INTERVAL = 30_000;

/** Inert until `connect()`: creating one twice, as StrictMode does, costs nothing. */
export function createChatStore(options: ChatStoreOptions): ChatStore {
  const { api, scope = "", owner = "", lock = browserLock() } = options;
  const { clock = createClock(), page = browserPage(), tabs = createTabChannel(), random = Math.random } = options;
  const updates = options.updates ?? createLiveUpdates({ ...options, clock, page });
  const storage = createJsonStorage(options.storage);
  const belongingsOf = (reader: string) => {
    const place = `${encodeURIComponent(reader)}:${encodeURIComponent(scope)}`;
    return { hint: createStoredHint(storage, place), outbox: createOutbox(storage, place, lock) };
  };
  const own = belongingsOf(owner);

  const context = createChatContext(
    {
      ...{ api, scope, owner, clock, page, random },
      ...own,
      visitor: owner === "" ? own : belongingsOf(""),
      newKey: options.newKey ?? newMessageKey,
    },
    { changed: () => changed(), settled: () => following.proceed() },
  );
  const { hint, outbox, set, update, kept } = context;
  const reading = createReading(context, () => sending.open());
  const following = createFollowing(context, reading, updates);
  const lifecycle = createLifecycle(context, reading.catchUp);
  const sending = createSending(context, reading, lifecycle.verbs.reopen);
  /** A short timeout needs more frequent reports than one every 30 seconds. */
  const touchInterval = () => {
    const { session } = context.state;
    return session?.expires_at ? Math.min(TOUCH_INTERVAL, (idleSeconds(session) * 1000) / 4) : TOUCH_INTERVAL;
  };
  const activity = createActivity(clock, random, touchInterval, () => void lifecycle.touch());
  const deadline = createDeadline(clock, {
    expiring: (remainingSeconds) => set({ remainingSeconds }),
    expired() {
      const session = context.state.session?.id ?? null;
      update(lapsed);
      context.tabs?.tellPage({ scope: context.shownScope(), session });
      void reading.refresh();
    },
  });
  let snapshot = toSnapshot(context.state);
  /** By the timeout as it was first seen: before a fixed end, such as midnight, each touch leaves less of it. */
  let watched = { id: "", warning: 0 };

  const changed = () => {
    snapshot = toSnapshot(context.state);
    if (context.tabs) watch();
    following.proceed();
    source.tell();
  };

  /** What we follow and wait for is a consequence of what is known, never a second truth. */
  const watch = () => {
    const { session, messages, loaded, viewing, hidden } = context.state;
    const isRunning = runningReply(messages) !== null;
    context.live?.await(isRunning);
    if (session) activity.known(session.last_activity_at);
    if (loaded && !hidden && session?.unread && page.isVisible()) void lifecycle.markRead(session);
    if (session?.expires_at && session.state === "active" && !isRunning) {
      if (watched.id !== session.id) watched = { id: session.id, warning: warningFor(session) };
      deadline.set(session.expires_at, watched.warning);
    } else deadline.stop();
    if (loaded && !viewing && session && reading.knowsReader()) remember(session.id);
    sending.proceed();
  };

  let remembered = "";
  const remember = (session: string) => {
    const reader = reading.reader();
    if (remembered === session + reader) return;
    remembered = session + reader;
    kept(hint.write({ session, reader }));
  };

  const heard = (signal: PageSignal) => {
    set({ online: page.isOnline() });
    const { draft } = context.state;
    // The tabs share one place for it, where another may have put its own, or have sent what all of them show. At a
    // logout all of it is cleared.
    const isOurs = draft && !outbox.holds(draft) && reading.knowsReader() && hint.read().session;
    if (signal === "hidden" && isOurs) hint.write({ draft });
    if (signal === "hidden" || signal === "offline") return;
    deadline.check();
    sending.hurry();
    watch();
    void reading.refresh();
  };

  const source = createSource(() => {
    const stopPage = page.subscribe(heard);
    context.tabs = tabs.join((message) => {
      if (message.scope === context.shownScope()) reading.overhear(message);
    });
    // Joined before anything is read: what changes after the answer was written then comes as news.
    following.start();
    watch();
    reading.start();
    return () => {
      stopPage();
      context.tabs?.leave();
      context.tabs = null;
      following.stop();
      reading.stop();
      sending.close();
      activity.stop();
      deadline.stop();
    };
  });

  return {
    ...reading.verbs,
    ...lifecycle.verbs,
    ...sending.verbs,
    scope,
    getSnapshot: () => snapshot,
    subscribe: source.subscribe,
    connect: source.connect,
    touch() {
      const { session, viewing } = context.state;
      if (session?.state === "active" && !viewing) activity.note();
    },
    dismissError: () => set({ error: null }),
    hide: (hidden) => set({ hidden }),
  };
}
