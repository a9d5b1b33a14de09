import { memo, type ReactNode, useEffect } from "react";
import type { TranscriptEntry } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { BoundaryNotice } from "./BoundaryNotice.js";
import { NamedIcon } from "./icons.js";
import { MessageRow } from "./MessageRow.js";
import { PendingRow } from "./PendingRow.js";
import { useStickToLatest } from "./useStickToLatest.js";
import { useWords } from "./words.js";

export interface MessageListProps {
  greeting?: string | undefined;
  /** Shown after the last message, such as what the next one will do. */
  children?: ReactNode;
}

export function MessageList({ greeting, children }: MessageListProps) {
  const words = useWords();
  const entries = useChatSelector((chat) => chat.entries);
  const isBusy = useChatSelector((chat) => chat.running !== null);
  const isLoading = useChatSelector((chat) => chat.status === "loading");
  const { ref, isAtLatest, onScroll, jump } = useStickToLatest(entries[0]?.key, entries.at(-1)?.key);
  useJumpOnOwnMessage(entries, jump);
  return (
    <div className="dcs-log-frame">
      <div
        ref={ref}
        className="dcs-log"
        role="log"
        aria-label={words.transcript}
        aria-busy={isBusy || isLoading}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
        tabIndex={0}
        onScroll={onScroll}
      >
        <div className="dcs-log-column">
          <OlderButton />
          {entries.length === 0 && (isLoading ? <Skeleton /> : <Greeting text={greeting ?? words.greeting} />)}
          <Rows entries={entries} />
          {children}
        </div>
      </div>
      {!isAtLatest && (
        <button type="button" className="dcs-jump" onClick={jump}>
          <NamedIcon name="down" />
          <span>{words.jumpToLatest}</span>
        </button>
      )}
    </div>
  );
}

function Rows({ entries }: { entries: readonly TranscriptEntry[] }) {
  return entries.map((entry, index) => <Row key={entry.key} entry={entry} isLast={index === entries.length - 1} />);
}

const Row = memo(function Row({ entry, isLast }: { entry: TranscriptEntry; isLast: boolean }) {
  if (entry.kind === "boundary") return <BoundaryNotice boundary={entry.boundary} />;
  if (entry.kind === "pending") return <PendingRow pending={entry.pending} />;
  return <MessageRow message={entry.message} isLast={isLast} />;
});

/** Whoever sends wants to see it, wherever they had scrolled to. */
function useJumpOnOwnMessage(entries: readonly TranscriptEntry[], jump: () => void) {
  const last = entries.at(-1);
  const ownKey = last?.kind === "pending" ? last.key : null;
  useEffect(() => {
    if (ownKey !== null) jump();
  }, [ownKey, jump]);
}

function OlderButton() {
  const words = useWords();
  const store = useChatStore();
  const hasOlder = useChatSelector((chat) => chat.hasOlder);
  const isLoading = useChatSelector((chat) => chat.loadingOlder);
  if (!hasOlder) return null;
  return (
    <button type="button" className="dcs-older" disabled={isLoading} onClick={() => void store.loadOlder()}>
      {isLoading ? words.loading : words.olderMessages}
    </button>
  );
}

function Greeting({ text }: { text: string }) {
  return (
    <div className="dcs-greeting">
      <span className="dcs-greeting-mark">
        <NamedIcon name="spark" />
      </span>
      <p>{text}</p>
    </div>
  );
}

function Skeleton() {
  return (
    <div className="dcs-skeleton" aria-hidden="true">
      <span data-side="end" />
      <span />
      <span />
      <span data-width="short" />
    </div>
  );
}
