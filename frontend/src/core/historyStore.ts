import type { ApiClient } from "./apiClient.js";
import { type ChatProblem, problemOf } from "./chatState.js";
import { createLiveUpdates, type LiveUpdates } from "./liveUpdates.js";
import { browserPage, type PageSignals } from "./pageSignals.js";
import { createTabChannel, type TabChannel, type TabMember } from "./tabChannel.js";
import { isStale } from "./transcript.js";
import type { News } from "./updatesReader.js";
import type { Session } from "./wire.js";

export interface HistorySnapshot {
  status: "loading" | "ready" | "failed";
  sessions: readonly Session[];
  hasMore: boolean;
  loadingMore: boolean;
  error: ChatProblem | null;
}

export interface HistoryStoreOptions {
  api: ApiClient;
  /** Only this scope; all scopes when null. */
  scope?: string | null | undefined;
  limit?: number | undefined;
  page?: PageSignals | undefined;
  tabs?: TabChannel | undefined;
  /** Where news come from; shared with the chat of the same reader. */
  updates?: LiveUpdates | undefined;
}

export interface HistoryStore {
  getSnapshot(): HistorySnapshot;
  subscribe(listener: () => void): () => void;
  connect(): () => void;
  refresh(): Promise<void>;
  loadMore(): Promise<void>;
  rename(sessionId: string, title: string): Promise<boolean>;
  remove(sessionId: string): Promise<boolean>;
}

const INITIAL: HistorySnapshot = { status: "loading", sessions: [], hasMore: false, loadingMore: false, error: null };

export function createHistoryStore(options: HistoryStoreOptions): HistoryStore {
  return new SessionHistory(options);
}

class SessionHistory implements HistoryStore {
  private readonly api: ApiClient;
  private readonly scope: string | null;
  private readonly limit: number;
  private readonly page: PageSignals;
  private readonly channel: TabChannel;
  private readonly updates: LiveUpdates;
  private readonly listeners = new Set<() => void>();
  private snapshot = INITIAL;
  private cursor: string | null = null;
  private reading: Promise<void> | null = null;
  private again = false;
  /** News that came while the list was read. */
  private news: News[] = [];
  private connections = 0;
  private tabs: TabMember | null = null;
  private disconnect = () => {};

  constructor(options: HistoryStoreOptions) {
    this.api = options.api;
    this.scope = options.scope ?? null;
    this.limit = options.limit ?? 30;
    this.page = options.page ?? browserPage();
    this.channel = options.tabs ?? createTabChannel();
    this.updates = options.updates ?? createLiveUpdates({ api: options.api, page: this.page });
  }

  getSnapshot = () => this.snapshot;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  connect = () => {
    this.connections += 1;
    if (this.connections === 1) this.listen();
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.connections -= 1;
      if (this.connections === 0) this.disconnect();
    };
  };

  refresh = (): Promise<void> => {
    if (this.reading !== null) this.again = true;
    return this.read();
  };

  loadMore = async () => {
    const { cursor } = this;
    if (cursor === null || this.snapshot.loadingMore) return;
    this.change({ loadingMore: true, error: null });
    try {
      const next = await this.api.listSessions({ ...this.filter(), cursor });
      this.cursor = next.next_cursor;
      const known = new Set(this.snapshot.sessions.map((session) => session.id));
      const added = next.sessions.filter((session) => !known.has(session.id));
      this.change({ sessions: [...this.snapshot.sessions, ...added], hasMore: this.cursor !== null });
    } catch (error) {
      this.change({ error: problemOf(error) });
    } finally {
      this.change({ loadingMore: false });
    }
  };

  rename = (sessionId: string, title: string) =>
    this.optimistically(
      sessionId,
      (sessions) => sessions.map((session) => (session.id === sessionId ? { ...session, title } : session)),
      () => this.api.changeSession(sessionId, { title }),
    );

  remove = (sessionId: string) =>
    this.optimistically(
      sessionId,
      (sessions) => sessions.filter((session) => session.id !== sessionId),
      () => this.api.deleteSession(sessionId),
    );

  private listen(): void {
    const stopPage = this.page.subscribe((signal) => {
      if (signal !== "hidden" && signal !== "offline") void this.refresh();
    });
    const tabs = this.channel.join((message) => {
      if (this.scope === null || message.scope === this.scope) void this.refresh();
    });
    const live = this.updates.join({ news: (news) => this.hear(news), found: () => {}, lost: () => {} });
    this.tabs = tabs;
    this.disconnect = () => {
      stopPage();
      live.leave();
      tabs.leave();
      this.tabs = null;
    };
    void this.read();
  }

  private hear(news: News): void {
    if (this.reading !== null) this.news.push(news);
    else this.take(news);
  }

  private take({ sessions, history_changed, isWhole }: News): void {
    const rows = sessions.filter(({ scope }) => this.scope === null || scope === this.scope);
    const known = this.snapshot.sessions;
    const after = withRows(known, rows);
    if (after !== known) this.change({ sessions: after });
    // A row that is new here is listed and not put in: the list knows what belongs to it, and to whom.
    const isNew = (row: Session) => !known.some(({ id }) => id === row.id) && (!this.snapshot.hasMore || isAbove(row));
    const isAbove = (row: Session) => row.last_message_at > (known.at(-1)?.last_message_at ?? "");
    const isMissing = (session: Session) => session.state === "active" && !sessions.some(({ id }) => id === session.id);
    if (history_changed || rows.some(isNew) || (isWhole && known.some(isMissing))) void this.refresh();
  }

  private read(): Promise<void> {
    this.reading ??= this.readFirstPage().finally(() => {
      this.reading = null;
      const isAgain = this.again;
      this.again = false;
      for (const news of this.news.splice(0)) this.take(news);
      if (isAgain) void this.read();
    });
    return this.reading;
  }

  private async readFirstPage(): Promise<void> {
    try {
      const first = await this.api.listSessions(this.filter());
      const older = first.next_cursor === null ? [] : olderThan(first.sessions, this.snapshot.sessions);
      // Further pages stay on screen, and with them the cursor behind them.
      if (older.length === 0) this.cursor = first.next_cursor;
      const sessions = [...first.sessions, ...older];
      this.change({ status: "ready", sessions, hasMore: this.cursor !== null, error: null });
    } catch (error) {
      this.change({ status: this.snapshot.status === "ready" ? "ready" : "failed", error: problemOf(error) });
    }
  }

  private async optimistically(
    sessionId: string,
    edit: (sessions: readonly Session[]) => readonly Session[],
    request: () => Promise<unknown>,
  ): Promise<boolean> {
    const before = this.snapshot.sessions;
    const scope = before.find((session) => session.id === sessionId)?.scope ?? this.scope ?? "";
    this.change({ sessions: edit(before), error: null });
    try {
      await request();
      this.tabs?.tell({ scope, session: sessionId });
      return true;
    } catch (error) {
      this.change({ sessions: before, error: problemOf(error) });
      return false;
    }
  }

  private filter() {
    return this.scope === null ? { limit: this.limit } : { scope: this.scope, limit: this.limit };
  }

  private change(part: Partial<HistorySnapshot>): void {
    this.snapshot = { ...this.snapshot, ...part };
    for (const listener of [...this.listeners]) listener();
  }
}

function olderThan(page: readonly Session[], known: readonly Session[]): Session[] {
  const last = page.at(-1);
  if (last === undefined) return [];
  const onPage = new Set(page.map((session) => session.id));
  return known.filter((session) => !onPage.has(session.id) && session.last_message_at < last.last_message_at);
}

/** The rows in the place of those known before, the latest first; the same list when nothing is new. */
function withRows(known: readonly Session[], rows: readonly Session[]): readonly Session[] {
  const byId = new Map(rows.map((row) => [row.id, row]));
  let isChanged = false;
  const after = known.map((session) => {
    const row = byId.get(session.id);
    if (row === undefined || isStale(session, row) || JSON.stringify(row) === JSON.stringify(session)) return session;
    isChanged = true;
    return row;
  });
  return isChanged ? after.sort(latestFirst) : known;
}

function latestFirst(a: Session, b: Session): number {
  return b.last_message_at.localeCompare(a.last_message_at) || b.id.localeCompare(a.id);
}
