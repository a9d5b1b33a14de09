import type { ChatProblem } from "./chatState.js";
import type { Session } from "./wire.js";

export interface HistorySnapshot {
  status: "loading" | "ready" | "failed";
  /** Pinned ones first, then the latest. */
  sessions: readonly Session[];
  hasMore: boolean;
  loadingMore: boolean;
  /** What is searched for; blank when nothing is. */
  query: string;
  /** The loaded sessions that show the query, and those in which the server found it; all while it is blank. */
  found: readonly Session[];
  /** By session: the piece of a message in which the server found the query. */
  excerpts: ReadonlyMap<string, string>;
  /** How far the search is: `all` was found, or `some`, and there may be more. */
  search: "asking" | "some" | "all";
  /** What did not succeed last; `retry` tries that again. */
  error: ChatProblem | null;
}

export const EMPTY_HISTORY: HistorySnapshot = {
  ...{ status: "loading", sessions: [], hasMore: false, loadingMore: false, error: null },
  ...{ query: "", found: [], excerpts: new Map(), search: "all" },
};
