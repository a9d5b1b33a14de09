import { memo, type ReactNode, useEffect, useRef } from "react";
import type { TranscriptEntry } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { BoundaryNotice } from "./BoundaryNotice.js";
import { NamedIcon } from "./icons.js";
import { MessageRow } from "./MessageRow.js";
import { PendingRow } from "./PendingRow.js";
import { Skeleton } from "./Skeleton.js";
import { useSlot } from "./slots.js";
import { useBeforePaint } from "./useBeforePaint.js";
import { useStickToLatest } from "./useStickToLatest.js";
import { useWords } from "./words.js";

export interface MessageListProps {
  greeting?: string | undefined;
  /** Shown after the last message, such as what the next one will do. */
  children?: ReactNode;
}

export interface GreetingProps {
  text: string;
}

export function MessageList({ greeting, children }: MessageListProps) {
  const words = useWords();
  const Welcome = useSlot("Greeting", Greeting);
  const entries = useChatSelector((chat) => chat.entries);
  const isBusy = useChatSelector((chat) => chat.running !== null);
  const isLoading = useChatSelector((chat) => chat.status === "loading");
  const hasOlder = useChatSelector((chat) => chat.hasOlder);
  const { ref, isAtLatest, hasNews, onScroll, jump } = useStickToLatest(entries, isBusy);
  useJumpOnOwnMessage(entries, jump);
  const jumpThere = () => {
    // The button goes, and would take the focus with it.
    ref.current?.focus({ preventScroll: true });
    jump();
  };
  return (
    <div className="dcs-log-frame">
      <div
        ref={ref}
        className="dcs-log"
        role="log"
        // All that is news is said by the one live region of the chat, once.
        aria-live="off"
        aria-label={words.transcript}
        aria-busy={isBusy || isLoading}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        onScroll={onScroll}
      >
        <div className="dcs-log-column">
          {hasOlder && <OlderButton />}
          {entries.length === 0 && (isLoading ? <Skeleton /> : <Welcome text={greeting ?? words.greeting} />)}
          {entries.map((entry) => (
            <Row key={entry.key} entry={entry} isLast={entry === entries.at(-1)} />
          ))}
          {children}
        </div>
      </div>
      {!isAtLatest && (
        <button type="button" className="dcs-jump" data-news={hasNews || undefined} onClick={jumpThere}>
          <NamedIcon name="down" />
          <span>{hasNews ? words.unread : words.jumpToLatest}</span>
        </button>
      )}
    </div>
  );
}

const Row = memo(function Row({ entry, isLast }: { entry: TranscriptEntry; isLast: boolean }) {
  const Boundary = useSlot("Boundary", BoundaryNotice);
  const Pending = useSlot("Pending", PendingRow);
  const Message = useSlot("Message", MessageRow);
  if (entry.kind === "boundary") return <Boundary boundary={entry.boundary} />;
  if (entry.kind === "pending") return <Pending pending={entry.pending} />;
  return <Message message={entry.message} isLast={isLast} />;
});

/** Whoever sends wants to see it, wherever they had scrolled to. */
function useJumpOnOwnMessage(entries: readonly TranscriptEntry[], jump: () => void) {
  const last = entries.at(-1);
  const ownKey = last?.kind === "pending" && last.key;
  useEffect(() => {
    if (ownKey) jump();
  }, [ownKey, jump]);
}

function OlderButton() {
  const words = useWords();
  const store = useChatStore();
  const isLoading = useChatSelector((chat) => chat.loadingOlder);
  const button = useRef<HTMLButtonElement | null>(null);
  useBeforePaint(
    () => () => {
      const { current } = button;
      // With the first message of all it goes, and would take the focus with it.
      if (current === document.activeElement) current?.closest<HTMLElement>(".dcs-log")?.focus({ preventScroll: true });
    },
    [],
  );
  return (
    <button
      ref={button}
      type="button"
      className="dcs-older"
      aria-disabled={isLoading}
      onClick={() => void store.loadOlder()}
    >
      {isLoading ? words.loading : words.olderMessages}
    </button>
  );
}

function Greeting({ text }: GreetingProps) {
  return (
    <div className="dcs-greeting">
      <NamedIcon name="spark" />
      <p>{text}</p>
    </div>
  );
}
