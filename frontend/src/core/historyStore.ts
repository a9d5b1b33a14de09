import type { ApiClient } from "./apiClient.js";
import { backoff } from "./backoff.js";
import { problemOf } from "./chatState.js";
import { systemTimers, type Timers } from "./clock.js";
import { isRetryable, retryAfterOf } from "./errors.js";
import type { Edit } from "./historyRows.js";
import { amended, backAs, editedRows, gone, isOld, matcherOf, place, sameRows, toldBy } from "./historyRows.js";
import { EMPTY_HISTORY, type HistorySnapshot } from "./historySnapshot.js";
import { createLiveUpdates, type LiveUpdates } from "./liveUpdates.js";
import { browserPage, type PageSignals } from "./pageSignals.js";
import { createSource } from "./source.js";
import { createTabChannel, type TabChannel, type TabMember } from "./tabChannel.js";
import { isStale } from "./transcript.js";
import type { News } from "./updatesReader.js";
import type { ChangeSession, Session, SessionState } from "./wire.js";

export type { HistorySnapshot } from "./historySnapshot.js";

export interface HistoryStoreOptions {
  api: ApiClient;
  /** Only this scope; all scopes when null. */
  scope?: string | null | undefined;
  limit?: number | undefined;
  /** The archived sessions instead. */
  archived?: boolean | undefined;
  timers?: Timers | undefined;
  page?: PageSignals | undefined;
  tabs?: TabChannel | undefined;
  /** Where news come from; shared with the chat of the same reader. */
  updates?: LiveUpdates | undefined;
}

/** What `retry` does after a failure, instead of the same once more. */
type Again = () => unknown;

export interface HistoryStore {
  /** The archived sessions, as a list of its own. */
  archived(): HistoryStore;
  getSnapshot(): HistorySnapshot;
  subscribe(listener: () => void): () => void;
  connect(): () => void;
  refresh(): Promise<void>;
  loadMore(): Promise<void>;
  retry(): void;
  /** Titles and messages, archived ones too; the server is asked when the reader stops typing. */
  setQuery(query: string): void;
  rename(sessionId: string, title: string): Promise<boolean>;
  pin(sessionId: string, isPinned: boolean): Promise<boolean>;
  archive(sessionId: string, isArchived: boolean, again?: Again): Promise<boolean>;
  /** The server keeps it for a day. */
  remove(sessionId: string, again?: Again): Promise<boolean>;
  /** Within that day; shown at once when the row as it was is given. */
  restore(sessionId: string, before?: Session, again?: Again): Promise<boolean>;
}

const TYPING = 220; // milliseconds without a key before the server is asked
/** The most that the server lists at once. */
const LONGEST_PAGE = 100;

/** What is gone already, perhaps by an attempt whose answer was lost, is deleted, and can be restored as well. */
function unlessGone(error: unknown): void {
  if (problemOf(error).code !== "not_found") throw error;
}

export function createHistoryStore(options: HistoryStoreOptions): HistoryStore {
  const { api, scope = null, limit = 30, archived = false, timers = systemTimers, page = browserPage() } = options;
  const { tabs = createTabChannel(), updates = createLiveUpdates({ api, page }) } = options;
  const inScope = scope === null ? {} : { scope };
  const filter = { ...inScope, limit, ...(archived && { archived }) };
  /** Every session that was heard of, as the server said it last. */
  const known = new Map<string, Session>();
  const edits = new Set<Edit>();
  let listed = new Set<string>();
  /** What came while the list was read. */
  const late: News[] = [];
  /** What was changed here meanwhile, of which that list does not know. */
  const changed = new Set<string>();
  let snapshot = EMPTY_HISTORY;
  let cursor: string | null = null;
  let reading: Promise<void> | null = null;
  let isAgain = false;
  /** Whether the reader asked for the list that is read, so that a failure is told. */
  let isAsked = false;
  let attempts = 0;
  let waiting: unknown;
  let heldUntil = 0; // the server has asked not to be asked before; then what waits does
  /** Changes reach the server in the order in which they were made. */
  let line: Promise<unknown> = Promise.resolve();
  let failed: () => unknown = () => {};
  let typing: unknown;
  let tab: TabMember | null = null;
  let away: HistoryStore | null = null;

  const isIn = (row: { scope: string }) => scope === null || row.scope === scope;
  const isListed = (row: Session) => listed.has(row.id) && (row.archived_at !== null) === archived;

  const change = (part: Partial<HistorySnapshot> = {}) => {
    const all = editedRows(known, edits).sort((a, b) => (place(a) < place(b) ? 1 : -1));
    const after = { ...snapshot, ...part, hasMore: cursor !== null };
    const says = matcherOf(after.query);
    after.sessions = sameRows(snapshot.sessions, all.filter(isListed));
    after.found = sameRows(
      snapshot.found,
      all.filter((row) => after.excerpts.has(row.id) || (isListed(row) && says(row))),
    );
    if (Object.entries(after).every(([name, value]) => value === snapshot[name as keyof HistorySnapshot])) return;
    snapshot = after;
    source.tell();
  };

  const fail = (error: unknown, again: () => unknown, part?: Partial<HistorySnapshot>) => {
    failed = again;
    change({ ...part, error: problemOf(error) });
  };

  /** A row that says nothing new stays the same row. */
  const note = (row: Session) => {
    const before = known.get(row.id) ?? null;
    if (!isStale(before, row) && JSON.stringify(before) !== JSON.stringify(row)) known.set(row.id, row);
  };

  const list = (rows: readonly Session[]) => {
    for (const row of rows) {
      if (!changed.has(row.id)) note(row);
      if (known.has(row.id)) listed.add(row.id);
    }
  };

  const hear = (news: News) => {
    if (reading !== null) return void late.push(news);
    const { sessions, history_changed, isWhole } = news;
    const shown = snapshot.sessions;
    const last = shown.at(-1);
    // A row that is new here is listed and not put in: the list knows what belongs to it, and to whom.
    const isNew = (row: Session) =>
      !listed.has(row.id) && !archived && isIn(row) && (!last || cursor === null || place(row) > place(last));
    const isMissing = (row: Session) => row.state === "active" && !sessions.some(({ id }) => id === row.id);
    const isBehind = history_changed || sessions.some(isNew) || (isWhole && shown.some(isMissing));
    for (const row of sessions) if (known.has(row.id)) note(row);
    change();
    if (isBehind) look();
  };

  /** As much as is shown, if the server lists so much at once: what is gone further down is gone here too. */
  const readLoaded = async () => {
    timers.clearTimeout(waiting);
    heldUntil = 0;
    changed.clear();
    try {
      const loaded = Math.min(LONGEST_PAGE, Math.max(limit, snapshot.sessions.length));
      const { sessions, next_cursor } = await api.listSessions({ ...filter, limit: loaded });
      const last = sessions.at(-1);
      // Further pages stay on screen, and with them the cursor behind them.
      const isFurther = (row: Session) => next_cursor !== null && last && place(row) < place(last);
      const older = snapshot.status === "ready" ? snapshot.sessions.filter(isFurther) : [];
      listed = new Set(older.map(({ id }) => id));
      list(sessions);
      // What is being restored stays, although that list does not know of it yet.
      for (const id of [...changed, ...[...edits].map(([edited]) => edited)]) listed.add(id);
      if (older.length === 0) cursor = next_cursor;
      attempts = 0;
      change({ status: "ready", error: failed === refresh ? null : snapshot.error });
    } catch (error) {
      // What nobody asked for is tried again, and not told, as long as there is a list to see.
      const isTold = isAsked || snapshot.status !== "ready" || !isRetryable(error);
      if (isTold) fail(error, refresh, snapshot.status === "loading" ? { status: "failed" } : {});
      else if (tab) {
        waiting = timers.setTimeout(readAgain, backoff(attempts++, Math.random, error));
        heldUntil = timers.now() + retryAfterOf(error) * 1000;
      }
    }
    reading = null;
    isAsked = false;
    if (isAgain) look();
    for (const news of late.splice(0)) hear(news);
  };

  const readAgain = (): Promise<void> => {
    isAgain = reading !== null;
    reading ??= readLoaded();
    return reading;
  };

  const look = () => void (timers.now() < heldUntil || readAgain());

  const refresh = (): Promise<void> => {
    isAsked = true;
    return readAgain();
  };

  const loadMore = async () => {
    if (cursor === null || snapshot.loadingMore) return;
    change({ loadingMore: true, error: null });
    try {
      const next = await api.listSessions({ ...filter, cursor });
      list(next.sessions);
      cursor = next.next_cursor;
    } catch (error) {
      fail(error, loadMore);
    }
    change({ loadingMore: false });
  };

  const search = async () => {
    const { query } = snapshot;
    const isOld = () => query !== snapshot.query;
    change({ search: "asking", error: null });
    try {
      const found = await api.searchSessions(query.trim(), inScope);
      if (isOld()) return;
      for (const { session } of found.matches) note(session);
      const excerpts = new Map(found.matches.map(({ session, excerpt }) => [session.id, excerpt]));
      change({ excerpts, search: found.complete ? "all" : "some" });
    } catch (error) {
      if (!isOld()) fail(error, search, { search: "some" });
    }
  };

  const setQuery = (query: string) => {
    const isBlank = query.trim() === "";
    timers.clearTimeout(typing);
    if (!isBlank) typing = timers.setTimeout(search, TYPING);
    const error = failed === search ? null : snapshot.error;
    change({ query, error, search: isBlank ? "all" : "asking", excerpts: EMPTY_HISTORY.excerpts });
  };

  const act = async (id: string, shown: Edit[1], request: () => Promise<unknown>, again?: Again): Promise<boolean> => {
    const edit: Edit = [id, shown];
    const row = known.get(id);
    edits.add(edit);
    const after = shown(row);
    const last = snapshot.sessions.at(-1);
    // One that was found, and belongs further down, comes with the rest of that page.
    if (cursor === null || !last || (after && place(after) > place(last))) listed.add(id);
    change({ error: null });
    const done = line.then(request).finally(() => edits.delete(edit));
    line = done.catch(() => {});
    try {
      const answer = (await done) as SessionState | undefined;
      changed.add(id);
      // News were faster: what else it says is old.
      if (answer && isOld(answer.session, known.get(id))) look();
      if (answer) known.set(id, answer.session);
      else known.delete(id);
      change();
      tab?.tell({ scope: row?.scope ?? scope ?? "", session: id, isDeleted: !answer });
      return true;
    } catch (error) {
      fail(error, again ?? (() => act(id, shown, request)));
      // Another tab or device may have been first, or this attempt without a word.
      look();
      return false;
    }
  };

  const amend = (id: string, part: Partial<Session>, body: ChangeSession, again?: Again) =>
    act(id, amended(part), () => api.changeSession(id, body), again);
  const since = (is: boolean) => (is ? new Date(timers.now()).toISOString() : null);

  const source = createSource(() => {
    const stopPage = page.subscribe((signal) => {
      if (signal !== "hidden" && signal !== "offline") look();
      if (signal === "online" && failed === search && snapshot.error !== null) void search(); // it was waited for
    });
    tab = tabs.join((message) => {
      const { rows, isUnsure } = toldBy(message, known);
      rows.forEach(note);
      change();
      if (isUnsure || (rows.length === 0 && isIn(message))) look();
    });
    const live = updates.join({ news: hear, found() {}, lost() {}, missing: look });
    reading ??= readLoaded();
    return () => {
      stopPage();
      live.leave();
      tab?.leave();
      tab = null;
      timers.clearTimeout(waiting);
      setQuery("");
    };
  });

  return {
    archived: () => {
      away ??= createHistoryStore({ ...options, page, tabs, updates, archived: true });
      return away;
    },
    getSnapshot: () => snapshot,
    subscribe: source.subscribe,
    connect: source.connect,
    ...{ refresh, loadMore, setQuery },
    retry: () => void failed(),
    rename: (id, title) => amend(id, { title }, { title }),
    pin: (id, pinned) => amend(id, { pinned_at: since(pinned) }, { pinned }),
    archive: (id, isArchived, again) => amend(id, { archived_at: since(isArchived) }, { archived: isArchived }, again),
    remove: (id, again) =>
      act(id, gone, () => api.deleteSession(id).catch(known.has(id) ? unlessGone : undefined), again),
    restore: (id, before, again) => act(id, backAs(before), () => api.restoreSession(id), again),
  };
}
