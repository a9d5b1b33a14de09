import type { ApiClient } from "./apiClient.js";
import { type ChatProblem, problemOf } from "./chatState.js";
import { browserPage, type PageSignals } from "./pageSignals.js";
import { createTabChannel, type TabChannel, type TabMember } from "./tabChannel.js";
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
  private readonly listeners = new Set<() => void>();
  private snapshot = INITIAL;
  private cursor: string | null = null;
  private reading: Promise<void> | null = null;
  private again = false;
  private connections = 0;
  private tabs: TabMember | null = null;
  private disconnect = () => {};

  constructor(options: HistoryStoreOptions) {
    this.api = options.api;
    this.scope = options.scope ?? null;
    this.limit = options.limit ?? 30;
    this.page = options.page ?? browserPage();
    this.channel = options.tabs ?? createTabChannel();
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
      () => this.api.renameSession(sessionId, { title }),
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
    this.tabs = tabs;
    this.disconnect = () => {
      stopPage();
      tabs.leave();
      this.tabs = null;
    };
    void this.read();
  }

  private read(): Promise<void> {
    this.reading ??= this.readFirstPage().finally(() => {
      this.reading = null;
      if (!this.again) return;
      this.again = false;
      void this.read();
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
