import { type KeyboardEvent, memo, useEffect, useId, useRef, useState } from "react";
import { focusedBeside } from "./focusedBeside.js";
import { HistoryList, type HistoryListProps, type Undoing } from "./HistoryList.js";
import { HistoryWordsProvider, useAllWords, useHistoryWords } from "./historyWords.js";
import { NamedIcon } from "./icons.js";
import { isComposing } from "./isComposing.js";
import type { Undoable } from "./UndoBar.js";
import { type Words, WordsContext } from "./words.js";

export interface ChatHistoryProps extends HistoryListProps {
  /** `sidebar` when absent. */
  variant?: "sidebar" | "dropdown" | undefined;
  words?: Partial<Words> | undefined;
  className?: string | undefined;
}

/** The reader's conversations, the latest first. Memoised: a host may render for each word of an answer. */
export const ChatHistory = memo(function ChatHistory(props: ChatHistoryProps) {
  const { variant = "sidebar", words: own, className = "", ...list } = props;
  const words = useAllWords(own);
  // Here, and not in the list, so that closing the dropdown takes no way back away.
  const [undoables, setUndoables] = useState<readonly Undoable[]>([]);
  const all = { ...list, undoables, setUndoables };
  return (
    <WordsContext.Provider value={words}>
      <HistoryWordsProvider value={words}>
        {variant === "sidebar" ? (
          <nav className={`dcs dcs-history ${className}`} lang={words.locale} aria-label={words.history}>
            <h2 className="dcs-history-title">{words.history}</h2>
            <HistoryList {...all} />
          </nav>
        ) : (
          <Dropdown className={className} list={all} />
        )}
      </HistoryWordsProvider>
    </WordsContext.Provider>
  );
});

function Dropdown({ className, list }: { className: string; list: HistoryListProps & Undoing }) {
  const words = useHistoryWords();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const root = useRef<HTMLDivElement | null>(null);
  const toggle = useRef<HTMLButtonElement | null>(null);
  useClickOutside(root, isOpen, () => setOpen(false));
  useEffect(() => {
    if (!isOpen) return;
    // The keyboard that comes with a field would cover the chats on a phone. A test's jsdom has no matchMedia.
    const isTouched = globalThis.matchMedia?.("(pointer: coarse)").matches;
    const first = isTouched ? ".dcs-history-groups" : "input";
    root.current?.querySelector<HTMLElement>(first)?.focus();
  }, [isOpen]);
  const close = () => {
    const isLost = document.activeElement === document.body;
    if (isLost || root.current?.contains(focusedBeside(root.current))) toggle.current?.focus();
    setOpen(false);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes from anywhere inside
    <div
      ref={root}
      className={`dcs dcs-history-dropdown ${className}`}
      lang={words.locale}
      onKeyDown={(event: KeyboardEvent) => {
        if (event.key !== "Escape" || !isOpen || isComposing(event)) return;
        // Else the browser would close a dialog of the host's that the chat is in.
        event.preventDefault();
        close();
      }}
    >
      <button
        ref={toggle}
        type="button"
        className="dcs-icon-button"
        aria-label={words.history}
        title={words.history}
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        onClick={() => setOpen(!isOpen)}
      >
        <NamedIcon name="clock" />
      </button>
      {isOpen && (
        <nav id={id} className="dcs-popover" aria-label={words.history}>
          <h2 className="dcs-hidden">{words.history}</h2>
          {/* Not before: on a slow connection nobody would see that something is on its way. */}
          <HistoryList {...list} onOpened={close} />
        </nav>
      )}
    </div>
  );
}

function useClickOutside(root: { current: HTMLElement | null }, isActive: boolean, act: () => void) {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    if (!isActive) return;
    const listener = (event: PointerEvent) => {
      // In a shadow root the event's own target is, to the document, whose root that is.
      const [target] = event.composedPath();
      if (!(target instanceof Node) || root.current?.contains(target)) return;
      const focused = focusedBeside(root.current);
      // What has the focus hears that it is left, as a title being typed, before it goes.
      if (root.current?.contains(focused)) focused?.blur();
      latest.current();
    };
    document.addEventListener("pointerdown", listener);
    return () => document.removeEventListener("pointerdown", listener);
  }, [root, isActive]);
}
