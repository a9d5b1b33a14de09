import { useEffect, useMemo, useState } from "react";
import type { HistorySnapshot, HistoryStore, Session } from "../core/index.js";
import { useChatConnection } from "./ChatProvider.js";
import { useSelection } from "./useSelection.js";

export interface ChatHistoryOptions {
  /** The provider's scope when absent; all scopes when null. */
  scope?: string | null;
  limit?: number;
}

export interface ChatHistoryState
  extends HistorySnapshot,
    Pick<HistoryStore, "refresh" | "loadMore" | "rename" | "remove"> {
  /** The loaded sessions that match `query`; all of them while it is blank. */
  found: readonly Session[];
  query: string;
  setQuery(query: string): void;
  /** The session on screen. */
  openId: string | null;
  open(sessionId: string): Promise<void>;
}

export function useChatHistory(options: ChatHistoryOptions = {}): ChatHistoryState {
  const { store, history } = useChatConnection("useChatHistory");
  const scope = options.scope === undefined ? store.scope : options.scope;
  const limit = options.limit ?? 30;
  const list = useMemo(() => history(scope, limit), [history, scope, limit]);
  useEffect(() => list.connect(), [list]);
  const snapshot = useSelection(list, (whole) => whole);
  const openId = useSelection(store, (chat) => chat.session?.id ?? null);
  const [query, setQuery] = useState("");
  const found = useMemo(() => matching(snapshot.sessions, query), [snapshot.sessions, query]);
  const remove = async (sessionId: string) => {
    const removed = await list.remove(sessionId);
    if (removed && store.getSnapshot().session?.id === sessionId) await store.openCurrent();
    return removed;
  };
  const { refresh, loadMore, rename } = list;
  return { ...snapshot, refresh, loadMore, rename, remove, found, query, setQuery, openId, open: store.open };
}

function matching(sessions: readonly Session[], query: string): readonly Session[] {
  const wanted = query.trim().toLocaleLowerCase();
  if (wanted === "") return sessions;
  return sessions.filter(({ title, preview }) => `${title}\n${preview}`.toLocaleLowerCase().includes(wanted));
}
