import {
  type Dispatch,
  type KeyboardEvent,
  type MouseEvent,
  type SetStateAction,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Session } from "../core/index.js";
import { type ChatHistoryState, useChatHistory } from "../react/index.js";
import { focusedBeside } from "./focusedBeside.js";
import { HistoryNotes, MoreSessions } from "./HistoryNotes.js";
import { HistoryRow, type RowVerb } from "./HistoryRow.js";
import { groupsOf } from "./historyGroups.js";
import { HistoryIcon } from "./historyIcons.js";
import { refusalIn, useHistoryWords } from "./historyWords.js";
import { type Undoable, UndoBar } from "./UndoBar.js";
import { useKeptRow } from "./useKeptRow.js";
import { type Chosen, useOpening } from "./useOpening.js";
import { useToday } from "./useToday.js";

export interface HistoryListProps {
  scope?: string | null | undefined;
  limit?: number | undefined;
  now?: (() => number) | undefined;
  /** Called with what was chosen, before it is on screen. */
  onOpen?: ((sessionId: string) => void) | undefined;
}

export interface Opening {
  /** What was chosen is on screen, or could not be had. */
  onOpened?: (() => void) | undefined;
}

export interface Undoing {
  /** The latest is the first to be taken back. */
  undoables: readonly Undoable[];
  setUndoables: Dispatch<SetStateAction<readonly Undoable[]>>;
}

/** Search box, groups and rows; both variants of the history show this. */
export function HistoryList({
  scope,
  limit,
  now = Date.now,
  onOpen,
  onOpened,
  undoables,
  setUndoables,
}: HistoryListProps & Opening & Undoing) {
  const [isArchive, setArchive] = useState(false);
  const history = useChatHistory({ scope, limit, archived: isArchive });
  const list = useRef<HTMLDivElement | null>(null);
  const [lastId, setLastId] = useState<string>();
  const focus = useKeptRow(list, setLastId);
  const { chosen, choose } = useOpening(history.open, onOpened);
  const act = useActions(history, setUndoables, choose, onOpen);
  const undoable = undoables.at(-1);
  const undo = () => {
    if (undoable === undefined) return;
    // Else the focus would stay where it is, and nobody who listens would hear what came back.
    focusedBeside(list.current)?.blur();
    focus.goTo(undoable.session.id);
    setUndoables(undoables.slice(0, -1));
    void undoable.undo();
  };
  const onKeyDown = (event: KeyboardEvent<HTMLElement>) => {
    const isField = event.target instanceof HTMLInputElement;
    const isUndo = isLetterZ(event) && (event.ctrlKey || event.metaKey) && !event.shiftKey && !isField;
    if (!isUndo) return moveFocus(event, list.current);
    // Else the browser would undo what was written last, in the composer.
    event.preventDefault();
    undo();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: arrow keys move among the buttons inside
    <div className="dcs-history-body" onKeyDown={onKeyDown}>
      <HistoryHead history={history} isArchive={isArchive} onToggle={() => setArchive(!isArchive)} />
      <div ref={list} className="dcs-history-groups" tabIndex={-1} {...focus.handlers}>
        <Groups {...{ history, now, lastId, chosen }} onAct={act} />
        <HistoryNotes history={history} isArchive={isArchive} />
        <MoreSessions history={history} />
      </div>
      <UndoBar undoable={undoable} onUndo={undo} onGone={setUndoables} />
      <HistoryError history={history} onRetry={() => list.current?.focus()} />
      <SpokenOpening chosen={chosen} openId={history.openId} />
    </div>
  );
}

/** The letter, or its place where the keys have another script. */
function isLetterZ({ key, code }: KeyboardEvent): boolean {
  return /^[a-z]$/i.test(key) ? key.toLowerCase() === "z" : code === "KeyZ";
}

type Act = (verb: RowVerb, session: Session, title?: string) => void;

/** What rows ask for; the same function as long as the list is the same. */
function useActions(
  history: ChatHistoryState,
  setUndoables: Undoing["setUndoables"],
  choose: (session: Session) => Promise<void>,
  onOpen: HistoryListProps["onOpen"],
): Act {
  const { rename, pin, archive, remove, restore } = history;
  return useMemo(() => {
    const putAway = (done: Promise<boolean>, undoable: Undoable) => {
      setUndoables((known) => [...known, undoable]);
      void done.then((isDone) => isDone || setUndoables((known) => known.filter((one) => one !== undoable)));
    };
    const act: Act = (verb, session, title = "") => {
      const { id } = session;
      const again = () => act(verb, session);
      const isActive = session.archived_at === null;
      if (verb === "open") {
        void choose(session);
        onOpen?.(id);
      } else if (verb === "rename") void rename(id, title);
      else if (verb === "pin") void pin(id, session.pinned_at === null);
      else if (verb === "remove")
        putAway(remove(id, again), { said: "removed", session, undo: () => restore(id, session) });
      else {
        const said = isActive ? "archived" : "unarchived";
        putAway(archive(id, isActive, again), { said, session, undo: () => archive(id, !isActive) });
      }
    };
    return act;
  }, [choose, rename, pin, archive, remove, restore, setUndoables, onOpen]);
}

function HistoryHead(props: { history: ChatHistoryState; isArchive: boolean; onToggle: () => void }) {
  const words = useHistoryWords();
  const { history, isArchive, onToggle } = props;
  const [isRightToLeft, setRightToLeft] = useState(false);
  const back = isRightToLeft ? "backRightwards" : "back";
  const toggle = isArchive ? words.allSessions : words.archivedSessions;
  const onClick = ({ currentTarget }: MouseEvent) => {
    setRightToLeft(getComputedStyle(currentTarget).direction === "rtl");
    onToggle();
  };
  return (
    <div className="dcs-history-head">
      {isArchive ? (
        <h3>{words.archivedSessions}</h3>
      ) : (
        <div className="dcs-search">
          <HistoryIcon name="search" />
          <input
            type="search"
            aria-label={words.search}
            placeholder={words.search}
            maxLength={200}
            value={history.query}
            onChange={(event) => history.setQuery(event.target.value)}
          />
        </div>
      )}
      {/* The same button in both views, so that it keeps the focus. */}
      <button type="button" className="dcs-icon-button" aria-label={toggle} title={toggle} onClick={onClick}>
        <HistoryIcon name={isArchive ? back : "archive"} />
      </button>
    </div>
  );
}

interface GroupsProps {
  history: ChatHistoryState;
  now: () => number;
  /** The row that had the focus last. */
  lastId: string | undefined;
  chosen: Chosen | null;
  onAct: Act;
}

function Groups({ history, now, lastId, chosen, onAct }: GroupsProps) {
  const words = useHistoryWords();
  const today = useToday(now);
  const { found, openId, excerpts } = history;
  const query = history.query.trim();
  const has = (id: string | null | undefined) => found.some((session) => session.id === id);
  const tabbable = [lastId, openId].find(has) ?? found[0]?.id;
  return groupsOf(found, today).map(({ key, sessions }) => (
    <section key={key} className="dcs-history-group">
      <h3>{words[key]}</h3>
      <ul>
        {sessions.map((session) => (
          <HistoryRow
            key={session.id}
            {...{ session, today, query, onAct }}
            isOpen={session.id === openId}
            isOpening={chosen?.isOpening === true && session.id === chosen.session.id}
            isTabbable={session.id === tabbable}
            excerpt={excerpts.get(session.id)}
          />
        ))}
      </ul>
    </section>
  ));
}

/** For those who do not see the chat change: that the one they chose is on its way, and that it is there. */
function SpokenOpening({ chosen, openId }: { chosen: Chosen | null; openId: string | null }) {
  const words = useHistoryWords();
  const isThere = chosen?.session.id === openId;
  return (
    <p className="dcs-hidden" role="status">
      {chosen?.isOpening ? words.loading : isThere && (chosen?.session.title || words.untitled)}
    </p>
  );
}

/** Something did not succeed, and the list is still there. */
function HistoryError({ history, onRetry }: { history: ChatHistoryState; onRetry: () => void }) {
  const words = useHistoryWords();
  const { error, status, query, retry } = history;
  if (error === null || (status === "failed" && query.trim() === "")) return null;
  const onClick = () => {
    // The button goes, and must not take the focus with it.
    onRetry();
    retry();
  };
  return (
    <p className="dcs-history-bar" role="alert">
      <span>{refusalIn(error) ?? words.notDone}</span>
      <button type="button" className="dcs-link" onClick={onClick}>
        {words.tryAgain}
      </button>
    </p>
  );
}

/** From the search box down into the rows, and up and down among them. */
function moveFocus(event: KeyboardEvent<HTMLElement>, list: HTMLElement | null) {
  const buttons = [...(list?.querySelectorAll<HTMLElement>(".dcs-history-open") ?? [])];
  const at = buttons.indexOf(event.target as HTMLElement);
  const isField = (event.target as HTMLElement).matches(".dcs-search input");
  if (isField ? event.key !== "ArrowDown" : at === -1) return;
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  buttons[Math.min(buttons.length - 1, Math.max(0, to))]?.focus();
}
