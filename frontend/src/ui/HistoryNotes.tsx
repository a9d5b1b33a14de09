import { useEffect, useRef } from "react";
import type { ChatHistoryState } from "../react/index.js";
import { refusalIn, useHistoryWords } from "./historyWords.js";
import { Skeleton } from "./Skeleton.js";

/** Why there is nothing to see, or not all of it: loading, failed, empty and nothing found are told apart. */
export function HistoryNotes({ history, isArchive }: { history: ChatHistoryState; isArchive: boolean }) {
  const words = useHistoryWords();
  const { status, sessions, found, query, search, error, hasMore, retry } = history;
  const isSearch = query.trim() !== "";
  const isNothing = found.length === 0;
  const none = words.noneFound(query.trim());
  const note =
    !isSearch || error !== null
      ? null
      : search === "asking"
        ? words.searching
        : isNothing
          ? none
          : search === "some" && words.moreToFind;
  const isEmpty = status === "ready" && sessions.length === 0 && !isSearch && !hasMore;
  return (
    <>
      {status === "loading" && <HistorySkeleton />}
      {status === "failed" && !isSearch && (
        <div className="dcs-history-note" role="alert">
          <p>{refusalIn(error) ?? words.historyFailed}</p>
          <button type="button" className="dcs-button" onClick={retry}>
            {words.tryAgain}
          </button>
        </div>
      )}
      {isEmpty && <p className="dcs-history-note">{isArchive ? words.noArchived : words.noSessions}</p>}
      {note && (isNothing || search === "some") && <p className="dcs-history-note">{note}</p>}
      <p className="dcs-hidden" role="status">
        {/* An empty archive answers who asked for it; no chats at all is read with the page. */}
        {isEmpty
          ? isArchive && words.noArchived
          : isSearch && search !== "asking" && error === null && (isNothing ? none : words.foundCount(found.length))}
      </p>
    </>
  );
}

/** The end of what is loaded: going there loads more, and the button does it for those who do not scroll. */
export function MoreSessions({ history }: { history: ChatHistoryState }) {
  const words = useHistoryWords();
  const { hasMore, loadingMore, loadMore, query, error } = history;
  const button = useRef<HTMLButtonElement | null>(null);
  const isShown = hasMore && query.trim() === "";
  // After a failure it is for the reader to say when.
  const isWaiting = isShown && !loadingMore && error === null;
  useEffect(() => {
    const { current } = button;
    if (!isWaiting || current === null || typeof IntersectionObserver === "undefined") return;
    const observer = new IntersectionObserver((seen) => {
      if (seen.some(({ isIntersecting }) => isIntersecting)) void loadMore();
    });
    observer.observe(current);
    return () => observer.disconnect();
  }, [isWaiting, loadMore]);
  if (!isShown) return null;
  return (
    <button
      ref={button}
      type="button"
      className="dcs-older"
      aria-disabled={loadingMore}
      onClick={() => void loadMore()}
    >
      {loadingMore ? words.loading : words.moreSessions}
    </button>
  );
}

function HistorySkeleton() {
  const words = useHistoryWords();
  return (
    <>
      <p className="dcs-hidden" role="status">
        {words.loading}
      </p>
      <Skeleton />
    </>
  );
}
