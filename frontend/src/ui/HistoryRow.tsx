import { type KeyboardEvent, memo, useEffect, useRef, useState } from "react";
import type { Session } from "../core/index.js";
import { type HistoryGroupKey, whenText } from "./historyGroups.js";
import { NamedIcon } from "./icons.js";
import { useWords } from "./words.js";

export interface HistoryRowProps {
  session: Session;
  group: HistoryGroupKey;
  isOpen: boolean;
  onOpen: (sessionId: string) => void;
  onRename: (sessionId: string, title: string) => void;
  onRemove: (sessionId: string) => void;
}

type Mode = "shown" | "renaming" | "removing";

export const HistoryRow = memo(function HistoryRow(props: HistoryRowProps) {
  const { session, onRename, onRemove } = props;
  const [mode, setMode] = useState<Mode>("shown");
  const row = useRef<HTMLLIElement | null>(null);
  const back = () => {
    setMode("shown");
    // The button exists again after this render.
    queueMicrotask(() => row.current?.querySelector<HTMLElement>(".dcs-history-open")?.focus());
  };
  const rename = (title: string) => {
    back();
    if (title.trim() !== "" && title.trim() !== session.title) onRename(session.id, title.trim());
  };
  return (
    <li ref={row} className="dcs-history-row" data-mode={mode}>
      {mode === "shown" && <Shown {...props} setMode={setMode} />}
      {mode === "renaming" && <Renaming title={session.title} onDone={rename} onCancel={back} />}
      {mode === "removing" && <Removing onRemove={() => onRemove(session.id)} onCancel={back} />}
    </li>
  );
});

function Shown({ session, group, isOpen, onOpen, setMode }: HistoryRowProps & { setMode: (mode: Mode) => void }) {
  const words = useWords();
  const title = session.title || words.untitled;
  // What is on screen is being read.
  const isUnread = session.unread && !isOpen;
  const onKeyDown = (event: KeyboardEvent) => {
    const mode: Mode | null = event.key === "F2" ? "renaming" : event.key === "Delete" ? "removing" : null;
    if (mode === null) return;
    event.preventDefault();
    setMode(mode);
  };
  return (
    <>
      <button
        type="button"
        className="dcs-history-open"
        data-unread={isUnread || undefined}
        aria-current={isOpen ? "page" : undefined}
        onClick={() => onOpen(session.id)}
        onKeyDown={onKeyDown}
      >
        <span className="dcs-history-line">
          <span className="dcs-history-name" dir="auto">
            {title}
          </span>
          {isUnread && (
            <span className="dcs-unread">
              <span className="dcs-hidden">{words.unread}</span>
            </span>
          )}
          <time dateTime={session.last_message_at}>{whenText(session.last_message_at, group, words.locale)}</time>
        </span>
        <span className="dcs-history-preview" dir="auto">
          {session.state === "active" && <span className="dcs-badge">{words.openNow}</span>}
          {session.preview}
        </span>
      </button>
      <span className="dcs-history-tools">
        <button type="button" className="dcs-tool" aria-label={words.rename(title)} onClick={() => setMode("renaming")}>
          <NamedIcon name="pencil" />
        </button>
        <button type="button" className="dcs-tool" aria-label={words.remove(title)} onClick={() => setMode("removing")}>
          <NamedIcon name="trash" />
        </button>
      </span>
    </>
  );
}

function Renaming(props: { title: string; onDone: (title: string) => void; onCancel: () => void }) {
  const words = useWords();
  const field = useRef<HTMLInputElement | null>(null);
  useEffect(() => field.current?.select(), []);
  return (
    <form
      className="dcs-rename"
      onSubmit={(event) => {
        event.preventDefault();
        props.onDone(field.current?.value ?? "");
      }}
    >
      <input
        ref={field}
        className="dcs-rename-field"
        aria-label={words.renameLabel}
        defaultValue={props.title}
        maxLength={200}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          props.onCancel();
        }}
      />
    </form>
  );
}

function Removing({ onRemove, onCancel }: { onRemove: () => void; onCancel: () => void }) {
  const words = useWords();
  const cancel = useRef<HTMLButtonElement | null>(null);
  useEffect(() => cancel.current?.focus(), []);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset would bring its own frame and legend
    <div
      className="dcs-confirm"
      role="group"
      aria-label={words.removeQuestion}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onCancel();
      }}
    >
      <span>{words.removeQuestion}</span>
      <button type="button" className="dcs-small-button" data-kind="danger" onClick={onRemove}>
        {words.removeYes}
      </button>
      <button ref={cancel} type="button" className="dcs-small-button" onClick={onCancel}>
        {words.cancel}
      </button>
    </div>
  );
}
