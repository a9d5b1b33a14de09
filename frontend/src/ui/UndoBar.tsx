import { useEffect, useRef, useState } from "react";
import type { Session } from "../core/index.js";
import { useHistoryWords } from "./historyWords.js";

export interface Undoable {
  said: "removed" | "archived" | "unarchived";
  /** As it was before. */
  session: Session;
  undo: () => Promise<boolean>;
}

interface UndoBarProps {
  undoable: Undoable | undefined;
  onUndo: () => void;
  /** Those before it go with it. */
  onGone: (undoables: []) => void;
}

/** Milliseconds for which it can be taken back with one click; longer while somebody is at it. */
const SHOWN = 20_000;

export function UndoBar({ undoable, onUndo, onGone }: UndoBarProps) {
  const words = useHistoryWords();
  const bar = useRef<HTMLDivElement | null>(null);
  const [isFocused, setFocused] = useState(false);
  const [isHovered, setHovered] = useState(false);
  useEffect(() => {
    if (undoable === undefined || isFocused || isHovered) return;
    const timer = setTimeout(() => onGone([]), SHOWN);
    return () => clearTimeout(timer);
  }, [undoable, isFocused, isHovered, onGone]);
  useEffect(() => {
    // On a phone the end of the list may lie below the screen.
    if (undoable !== undefined) bar.current?.scrollIntoView?.({ block: "nearest" });
  }, [undoable]);
  return (
    <div
      ref={bar}
      role="status"
      onFocus={() => setFocused(true)}
      onBlur={() => setFocused(false)}
      onPointerEnter={() => setHovered(true)}
      onPointerLeave={() => setHovered(false)}
    >
      {undoable !== undefined && (
        // A new element is read out even when it says the same again.
        <p key={undoable.session.id} className="dcs-history-bar">
          <span>{words[undoable.said]}</span>
          <button
            type="button"
            className="dcs-link"
            onClick={() => {
              // The button goes, and the focus with it; nobody says so.
              setFocused(false);
              onUndo();
            }}
          >
            {words.undo}
          </button>
        </p>
      )}
    </div>
  );
}
