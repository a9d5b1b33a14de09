import { type KeyboardEvent, memo, useRef, useState } from "react";
import type { Session } from "../core/index.js";
import { focusedBeside } from "./focusedBeside.js";
import { HistoryMenu } from "./HistoryMenu.js";
import { whenText } from "./historyGroups.js";
import { HistoryIcon } from "./historyIcons.js";
import { useHistoryWords } from "./historyWords.js";
import { isComposing } from "./isComposing.js";
import { useBeforePaint } from "./useBeforePaint.js";

export type RowVerb = "open" | "pin" | "rename" | "archive" | "remove";

interface HistoryRowProps {
  session: Session;
  /** The start of the present day. */
  today: number;
  isOpen: boolean;
  /** Chosen, and not on screen yet. */
  isOpening: boolean;
  /** One row of the list is reached by Tab, the others by arrow keys. */
  isTabbable: boolean;
  query: string;
  excerpt: string | undefined;
  onAct: (verb: RowVerb, session: Session, title?: string) => void;
}

export const HistoryRow = memo(function HistoryRow(props: HistoryRowProps) {
  const { session, onAct } = props;
  const [isRenaming, setRenaming] = useState(false);
  const row = useRef<HTMLLIElement | null>(null);
  const leave = () => setRenaming(false);
  const back = () => {
    leave();
    // The button exists again after this render.
    queueMicrotask(() => row.current?.querySelector<HTMLElement>(".dcs-history-open")?.focus());
  };
  const rename = (title: string) => {
    if (title.trim() !== "" && title.trim() !== session.title) onAct("rename", session, title.trim());
  };
  const act = (verb: RowVerb) => (verb === "rename" ? setRenaming(true) : onAct(verb, session));
  return (
    <li ref={row} className="dcs-history-row" data-id={session.id}>
      {isRenaming ? (
        <Renaming title={session.title} onTitle={rename} onBack={back} onLeave={leave} />
      ) : (
        <Shown {...props} onAct={act} />
      )}
    </li>
  );
});

type ShownProps = Omit<HistoryRowProps, "onAct"> & { onAct: (verb: RowVerb) => void };

function Shown({ session, today, isOpen, isOpening, isTabbable, query, excerpt, onAct }: ShownProps) {
  const words = useHistoryWords();
  const title = session.title || words.untitled;
  // What is on screen is being read.
  const isUnread = session.unread && !isOpen;
  const tabIndex = isTabbable ? 0 : -1;
  const when = whenText(session.last_message_at, today, words.locale, session.pinned_at === null);
  const onKeyDown = (event: KeyboardEvent) => {
    const verb: RowVerb | null = event.key === "F2" ? "rename" : event.key === "Delete" ? "remove" : null;
    // A key that is held would go on with the rows that move up.
    if (verb === null || event.repeat) return;
    event.preventDefault();
    onAct(verb);
  };
  return (
    <>
      <button
        type="button"
        className="dcs-history-open"
        data-unread={isUnread || undefined}
        aria-current={isOpen ? "page" : undefined}
        aria-busy={isOpening || undefined}
        aria-keyshortcuts="F2 Delete"
        tabIndex={tabIndex}
        onClick={() => onAct("open")}
        onKeyDown={onKeyDown}
      >
        <span className="dcs-history-line">
          <span className="dcs-history-name" dir="auto">
            <Marked text={title} query={query} />
          </span>
          {isUnread && (
            <span className="dcs-unread">
              <span className="dcs-hidden">{words.unread}</span>
            </span>
          )}
          {session.pinned_at !== null && (
            <span className="dcs-pinned">
              <HistoryIcon name="pin" />
              <span className="dcs-hidden">{words.isPinned}</span>
            </span>
          )}
          <time dateTime={session.last_message_at}>{when}</time>
        </span>
        <span className="dcs-history-preview" data-excerpt={excerpt !== undefined || undefined} dir="auto">
          {session.state === "active" && <Badge>{words.openNow}</Badge>}
          {session.archived_at !== null && query !== "" && <Badge kind="quiet">{words.isArchived}</Badge>}
          {isOpening || session.running ? (
            <span className="dcs-history-writing">{isOpening ? words.loading : words.writing}</span>
          ) : (
            <Marked text={excerpt ?? session.preview} query={query} />
          )}
        </span>
      </button>
      <HistoryMenu session={session} title={title} tabIndex={tabIndex} onAct={onAct} />
    </>
  );
}

/**
 * The space is for those who listen, who would hear one word otherwise; it goes with the badge. It has a direction of
 * its own, so that the text beside it decides where that begins, and which end of it is cut off.
 */
function Badge({ kind, children }: { kind?: "quiet"; children: string }) {
  return (
    <span dir="auto">
      <span className="dcs-badge" data-kind={kind}>
        {children}
      </span>{" "}
    </span>
  );
}

/** The words of the query are marked where they stand. Each piece in its own element: a translator replaces bare text. */
function Marked({ text, query }: { text: string; query: string }) {
  const wanted = query.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&").match(/[^\s"]+/g);
  if (wanted === null) return <span>{text}</span>;
  // A text that is split by a group has what was found at every second place.
  return (
    text
      .split(new RegExp(`(${wanted.join("|")})`, "i"))
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces of a text have no other name
      .map((part, at) => (at % 2 === 0 ? <span key={at}>{part}</span> : <mark key={at}>{part}</mark>))
  );
}

interface RenamingProps {
  title: string;
  onTitle: (title: string) => void;
  /** Done, and the focus goes back to the row. */
  onBack: () => void;
  /** Done, and the focus has gone elsewhere. */
  onLeave: () => void;
}

function Renaming({ title, onTitle, onBack, onLeave }: RenamingProps) {
  const words = useHistoryWords();
  const field = useRef<HTMLInputElement | null>(null);
  const save = useRef(onTitle);
  useBeforePaint(() => {
    // Not every browser gives the focus to what is selected.
    field.current?.focus();
    field.current?.select();
    const { current } = field;
    // However it ends: a row that moves to another day is made anew.
    return () => save.current(current?.value ?? "");
  }, []);
  return (
    <form
      className="dcs-rename"
      onSubmit={(event) => {
        event.preventDefault();
        onBack();
      }}
    >
      <input
        ref={field}
        className="dcs-rename-field"
        aria-label={words.renameLabel}
        defaultValue={title}
        maxLength={200}
        enterKeyHint="done"
        // Who taps beside it has not given it up; a window that is left keeps its focus.
        onBlur={({ currentTarget }) => {
          if (focusedBeside(currentTarget) === currentTarget) return;
          onLeave();
        }}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          if (isComposing(event)) return;
          save.current = () => {};
          // Else the browser would close a chat that covers the page.
          event.preventDefault();
          onBack();
        }}
      />
    </form>
  );
}
