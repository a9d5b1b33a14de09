import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { type ChatHistoryState, useChatHistory } from "../react/index.js";
import { HistoryRow } from "./HistoryRow.js";
import { groupByDay, startOfDay } from "./historyGroups.js";
import { NamedIcon } from "./icons.js";
import { useWords } from "./words.js";

export interface HistoryListProps {
  scope?: string | null | undefined;
  limit?: number | undefined;
  now?: (() => number) | undefined;
  onOpen?: ((sessionId: string) => void) | undefined;
}

/** Search box, groups and rows; both variants of the history show this. */
export function HistoryList({ scope, limit, now = Date.now, onOpen }: HistoryListProps) {
  const words = useWords();
  const history = useChatHistory({
    ...(scope === undefined ? {} : { scope }),
    ...(limit === undefined ? {} : { limit }),
  });
  const today = useToday(now);
  const list = useRef<HTMLDivElement | null>(null);
  const open = (sessionId: string) => {
    void history.open(sessionId);
    onOpen?.(sessionId);
  };
  const remove = (sessionId: string) => {
    const neighbour = neighbourOf(list.current, document.activeElement);
    void history.remove(sessionId);
    queueMicrotask(() => (neighbour ?? list.current)?.focus());
  };
  return (
    <>
      <div className="dcs-search">
        <NamedIcon name="search" />
        <input
          type="search"
          aria-label={words.search}
          placeholder={words.search}
          value={history.query}
          onChange={(event) => history.setQuery(event.target.value)}
        />
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move among the buttons inside */}
      <div ref={list} className="dcs-history-groups" tabIndex={-1} onKeyDown={moveFocus}>
        {groupByDay(history.found, today).map(({ key, sessions }) => (
          <section key={key} className="dcs-history-group">
            <h3>{words[key]}</h3>
            <ul>
              {sessions.map((session) => (
                <HistoryRow
                  key={session.id}
                  session={session}
                  group={key}
                  isOpen={session.id === history.openId}
                  onOpen={open}
                  onRename={history.rename}
                  onRemove={remove}
                />
              ))}
            </ul>
          </section>
        ))}
        <HistoryState history={history} />
      </div>
    </>
  );
}

function HistoryState({ history }: { history: ChatHistoryState }) {
  const words = useWords();
  const { status, sessions, found, query, error, hasMore, loadingMore } = history;
  if (status === "loading") return <HistorySkeleton />;
  return (
    <>
      {error !== null && (
        <p className="dcs-history-note" role="alert">
          <span>{error.code === "network" ? words.historyFailed : error.message}</span>
          <button type="button" className="dcs-link" onClick={() => void history.refresh()}>
            {words.tryAgain}
          </button>
        </p>
      )}
      {error === null && sessions.length === 0 && <p className="dcs-history-note">{words.noSessions}</p>}
      {sessions.length > 0 && found.length === 0 && <p className="dcs-history-note">{words.noneFound(query)}</p>}
      {hasMore && (
        <button type="button" className="dcs-older" disabled={loadingMore} onClick={() => void history.loadMore()}>
          {loadingMore ? words.loading : words.moreSessions}
        </button>
      )}
    </>
  );
}

function HistorySkeleton() {
  const words = useWords();
  return (
    <div className="dcs-skeleton" data-kind="list">
      <span className="dcs-hidden" role="status">
        {words.loading}
      </span>
      <span aria-hidden="true" />
      <span aria-hidden="true" />
      <span aria-hidden="true" />
    </div>
  );
}

function openButtons(list: HTMLElement | null): HTMLElement[] {
  return [...(list?.querySelectorAll<HTMLElement>(".dcs-history-open") ?? [])];
}

function moveFocus(event: KeyboardEvent<HTMLElement>) {
  const buttons = openButtons(event.currentTarget);
  const at = buttons.indexOf(event.target as HTMLElement);
  if (at === -1) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  buttons[Math.min(buttons.length - 1, Math.max(0, to))]?.focus();
}

/** The row to go to when this one is removed. */
function neighbourOf(list: HTMLElement | null, inside: Element | null): HTMLElement | null {
  const rows = [...(list?.querySelectorAll<HTMLElement>(".dcs-history-row") ?? [])];
  const at = rows.findIndex((row) => row.contains(inside));
  const next = rows[at + 1] ?? rows[at - 1];
  return next?.querySelector<HTMLElement>(".dcs-history-open") ?? null;
}

/** The present day; the groups change at midnight even when nothing else does. */
function useToday(now: () => number): number {
  const [today, setToday] = useState(() => startOfDay(now(), 0));
  useEffect(() => {
    const timer = setTimeout(() => setToday(startOfDay(now(), 0)), startOfDay(today, -1) - now() + 1000);
    return () => clearTimeout(timer);
  }, [now, today]);
  return today;
}
