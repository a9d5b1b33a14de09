import type { PageOptions } from "./apiClient.js";
import { backoff } from "./backoff.js";
import type { ChatContext } from "./chatContext.js";
import { type ChatProblem, isUnderWay, joinedText } from "./chatState.js";
import type { TimerId } from "./clock.js";
import { isConnectionTrouble, isGone, isRetryable } from "./errors.js";
import type { TabAnswer, TabMessage } from "./tabChannel.js";
import { isStale } from "./transcript.js";
import { arrived, cleared, isBehind, joined, paged, pagedOlder, viewed, withoutDraft } from "./transitions.js";
import type { CurrentSession, Session } from "./wire.js";

/** What a reader may ask to see, and has typed. */
interface ReadingVerbs {
  load(): Promise<void>;
  open(id: string): Promise<void>;
  /** Back from an older session to the one that is open. */
  openCurrent(): Promise<void>;
  loadOlder(): Promise<void>;
  setDraft(draft: string): void;
}

/** Everything that reads the server's state into ours. Reading never extends a session. */
export interface Reading {
  verbs: ReadingVerbs;
  start(): void;
  stop(): void;
  /** Read again because something may have changed elsewhere. */
  refresh(): Promise<void>;
  /** Another tab says what it has just been told: take it, and read what it leaves open. */
  overhear(message: TabMessage): void;
  /** Fetch the newest page when what is shown may differ from what the server has. */
  catchUp(): Promise<void>;
  /** Whether it is about to read again by itself. */
  isDue(): boolean;
  /** Read again in a while, after this error. */
  retryLater(error: unknown): void;
  /** Whether what this browser has stored is known to be this reader's own. */
  knowsReader(): boolean;
  /** Whose what is on screen is known to be, as the server names its readers. */
  reader(): string | null;
  /** Whether this session is this reader's, or was when that was its name; rejects when nobody can say. */
  owns(id: string, reader: string | null): Promise<boolean>;
}

export const PAGE = 50;
const GONE: ChatProblem = { code: "gone", message: "This chat is gone.", field: null };

/** An answer is taken at its word where it goes on from what is shown, as that is by now; another may be older. */
function follows(shown: Session | null, { session, arrival }: TabAnswer): boolean {
  if (!shown) return session.state === "active";
  return shown.id === session.id || (shown.id === arrival.previous?.id && !isStale(shown, arrival.previous));
}

export function createReading(context: ChatContext, recognised: () => void): Reading {
  const { api, owner, clock, random, hint, visitor, call, update, set, fail, report, shownScope } = context;
  const { choose, kept } = context;
  let loading: Promise<void> | null = null;
  /** The epoch in which that began. */
  let loadingSince = 0;
  let isWantedAgain = false;
  let isRecognised = false;
  /** Who was here when what is on screen was read last. */
  let seenBy: string | null = null;
  let attempts = 0;
  let timer: TimerId = null;
  /** The session that was gone last. */
  let lost = "";
  /** What the reader has opened last, perhaps still on its way. */
  let coming: string | undefined;

  const transcript = (id: string, options: PageOptions = {}) =>
    call(api.getTranscript(id, { limit: PAGE, ...options }));

  /** Take a page unless a verb or another tab has been faster. */
  const takePage = async (id: string) => {
    const { epoch } = context;
    const page = await transcript(id);
    if (epoch === context.epoch) update((state) => paged(state, page));
  };

  const catchUp = async () => {
    const { session } = context.state;
    if (session && isBehind(context.state)) await takePage(session.id);
  };

  const load = () => {
    loading ??= read().finally(() => {
      loading = null;
      if (!isWantedAgain) return;
      isWantedAgain = false;
      return refresh();
    });
    return loading;
  };

  const refresh = async () => {
    const { loaded, viewing, pending } = context.state;
    // A message on its way will tell us more than we could read now, and must not be shown twice.
    if (viewing || (pending.some(({ state }) => state === "sending") && loaded)) return;
    // What is under way answers what was asked before.
    if (loading) isWantedAgain = true;
    await load();
  };

  /** Whether a verb or another tab was faster: what the server would have said is asked for again. */
  const isOutrun = () => {
    if (loadingSince === context.epoch) return false;
    isWantedAgain = true;
    return true;
  };

  const read = async () => {
    stop();
    loadingSince = context.epoch;
    try {
      const current = await call(api.getCurrentSession(shownScope()));
      context.reader = current.reader;
      await recognise();
      inherit(current);
      if (isOutrun()) return;
      const { viewing, session } = context.state;
      // Who reads an older one has chosen it.
      await (viewing && session ? confirmShown(session.id) : take(current));
      const told = context.state.error;
      const error = told === GONE && context.state.session?.id !== lost ? GONE : null;
      if (isOutrun()) return;
      seenBy = current.reader;
      set({ loaded: true, error });
      // A login in another tab has moved it, and this browser may not know of that login yet.
      if (error && attempts < 5) return retryLater(error);
      attempts = 0;
      // News may have been refused for the same reason.
      if (told && !error) context.live?.renew();
    } catch (error) {
      if (isOutrun()) return;
      if (!isConnectionTrouble(error)) fail(error);
      if (isRetryable(error)) retryLater(error);
      else set({ loaded: true });
    }
  };

  const take = async (current: CurrentSession) => {
    const shown = context.state.session;
    const isExplained = current.session || !shown || current.arrival.previous?.id === shown.id;
    if (isExplained) seenBy = current.reader;
    update((state) => arrived(state, current));
    await (isExplained ? catchUp() : confirmShown(shown.id));
  };

  /** The server does not speak of the session on screen: it goes only if it is really gone. */
  const confirmShown = async (id: string) => {
    try {
      await takePage(id);
    } catch (error) {
      if (!isGone(error)) throw error;
      if (isOutrun()) return;
      lost = id;
      // Whoever is here now sees what is in the field, and nobody after them.
      if (seenBy !== context.reader) hint.write({ session: null, draft: "" });
      update((state) => ({ ...cleared(state), error: GONE }));
      isWantedAgain = true;
    }
  };

  const owns = async (id: string, reader: string | null) => {
    const { session, previous } = context.state;
    if (id === session?.id || id === previous?.id) return true;
    try {
      await call(api.getSession(id));
      return true;
    } catch (error) {
      // Somebody else's, or deleted: then its reader has the same name as before.
      if (!isGone(error) || !context.reader) throw error;
      return reader === context.reader;
    }
  };

  /** A stored draft belongs to whoever wrote it: shown only if this is that reader. */
  const recognise = async () => {
    if (isRecognised) return;
    const { session, reader } = hint.read();
    const isKnown = !session || reader === context.reader || (await owns(session, reader));
    if (!isKnown) hint.write({ session: null, draft: "" });
    settle();
  };

  /** What a visitor had begun to write goes on in the chat that the login has moved. */
  const inherit = ({ session, arrival }: CurrentSession) => {
    const { session: before, draft } = visitor.hint.read();
    const isMoved = before !== null && [session?.id, arrival.previous?.id].includes(before);
    if (owner === "" || draft === "" || !isMoved || context.state.draft !== "") return;
    visitor.hint.write({ session: null, draft: "" });
    setDraft(draft);
  };

  /** Stored once it is known whose storage this is. */
  const setDraft = (draft: string) => {
    set({ draft });
    kept(isRecognised && hint.write({ draft }));
  };

  const settle = () => {
    const stored = hint.read().draft;
    // What was typed before it was known whose that is, comes after it.
    const draft = isRecognised ? context.state.draft || stored : joinedText(stored, context.state.draft);
    isRecognised = true;
    if (draft !== "") setDraft(draft);
    recognised();
  };

  const retryLater = (error: unknown) => {
    // It has left the page meanwhile.
    if (!context.tabs) return;
    timer = clock.setTimeout(() => void load(), backoff(attempts++, random, error));
  };

  const stop = () => {
    clock.clearTimeout(timer);
    timer = null;
  };

  const verbs: ReadingVerbs = {
    load,
    setDraft,
    async open(id) {
      const chosen = choose();
      coming = id;
      try {
        const page = await transcript(id);
        if (chosen !== context.chosen) return;
        // What was asked for meanwhile is about the one before.
        choose();
        update((state) => viewed(state, page));
        await catchUp();
      } catch (error) {
        if (chosen !== context.chosen) return;
        fail(error);
        if (!context.state.loaded) await refresh();
      }
    },
    async openCurrent() {
      choose();
      update((state) => ({ ...cleared(state), loaded: false, error: null }));
      await refresh();
    },
    async loadOlder() {
      const { session, nextBefore, loadingOlder } = context.state;
      if (!session || nextBefore === null || loadingOlder) return;
      set({ loadingOlder: true, error: null });
      try {
        const page = await transcript(session.id, { before: nextBefore });
        if (nextBefore === context.state.nextBefore) update((state) => pagedOlder(state, page));
      } catch (error) {
        fail(error);
      }
      set({ loadingOlder: false });
    },
  };
  return {
    verbs,
    refresh,
    catchUp,
    owns,
    stop,
    retryLater,
    isDue: () => timer !== null,
    knowsReader: () => isRecognised,
    reader: () => seenBy,
    start() {
      // Whoever signs in has a storage of their own; a visitor with a chat may be another one than yesterday.
      if (owner !== "" || isRecognised || hint.read().session === null) settle();
      void load();
    },
    overhear({ answer, isDeleted, session: about }) {
      const { loaded, viewing, pending, session } = context.state;
      // What is in the field does not go with it.
      if (isDeleted && about === hint.read().session) hint.write({ session: null });
      if (isDeleted && about === coming) choose();
      if (isDeleted && about === session?.id) {
        context.epoch += 1;
        // What comes next is asked for below, unless a message is on its way, which will tell.
        update((state) => ({ ...cleared(state), loaded: pending.some(isUnderWay) }));
      }
      const isFree = loaded && !viewing && !pending.some(isUnderWay);
      const messages = answer?.messages ?? [];
      const isOurs = context.reader === answer?.reader;
      // A tab that has just been opened beside a draft shows it, too, before it knows who is there.
      if (isOurs || !loaded) update((state) => withoutDraft(state, messages));
      if (!answer || !isOurs || !isFree || !follows(session, answer)) return void refresh();
      context.epoch += 1;
      update((state) => joined(arrived(state, answer), messages));
      // What made us ask may have been news of this very chat, which say more than this answer, and say it once.
      if (loading || timer) set({ gap: true });
      if (!loading) catchUp().catch(report);
      else void refresh();
    },
  };
}
