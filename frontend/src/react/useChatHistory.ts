import { useEffect, useMemo } from "react";
import { createHistoryStore, type HistorySnapshot, type HistoryStore } from "../core/index.js";
import { useChatConnection } from "./ChatProvider.js";
import { putAway } from "./putAway.js";
import { useSelection } from "./useSelection.js";

export interface ChatHistoryOptions {
  /** The provider's scope when absent; all scopes when null. */
  scope?: string | null | undefined;
  limit?: number | undefined;
  /** The archived sessions instead. */
  archived?: boolean | undefined;
}

export interface ChatHistoryState
  extends HistorySnapshot,
    Pick<
      HistoryStore,
      "refresh" | "loadMore" | "retry" | "setQuery" | "rename" | "pin" | "archive" | "remove" | "restore"
    > {
  /** The session on screen. */
  openId: string | null;
  open(sessionId: string): Promise<void>;
}

export function useChatHistory(options: ChatHistoryOptions = {}): ChatHistoryState {
  const { store, api, history } = useChatConnection("useChatHistory");
  if (api === null) throw new Error("useChatHistory needs a <ChatProvider> with baseUrl or api.");
  const { scope = store.scope, limit = 30, archived = false } = options;
  const list = useMemo(() => {
    const whole = history(scope, limit, (parts) => createHistoryStore({ ...parts, api }));
    return archived ? whole.archived() : whole;
  }, [api, history, scope, limit, archived]);
  useEffect(() => list.connect(), [list]);
  const snapshot = useSelection(list, (whole) => whole);
  const openId = useSelection(store, (chat) => chat.session?.id ?? null);
  const verbs = useMemo(() => {
    const { leave, comeBack, open } = putAway(store);
    const restoring = new Map<string, Promise<boolean>>();
    // What is tried again leaves the screen, or comes back to it, as it would have at first.
    const own: typeof list = {
      ...list,
      archive: (sessionId, isArchived, again = () => own.archive(sessionId, isArchived)) => {
        const done = list.archive(sessionId, isArchived, again);
        return isArchived ? leave(sessionId, done) : comeBack(sessionId, done);
      },
      remove: (sessionId, again = () => own.remove(sessionId)) => leave(sessionId, list.remove(sessionId, again)),
      restore: (sessionId, before, again = () => own.restore(sessionId, before)) => {
        const done = list.restore(sessionId, before, again);
        restoring.set(sessionId, done);
        return comeBack(sessionId, done);
      },
    };
    return {
      ...own,
      async open(sessionId: string) {
        await restoring.get(sessionId); // it is listed before the server has it back
        await open(sessionId);
      },
    };
  }, [list, store]);
  return useMemo(() => ({ ...snapshot, ...verbs, openId }), [snapshot, verbs, openId]);
}
