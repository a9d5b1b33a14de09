import { useRef } from "react";
import type { ChatHistoryProps } from "./ChatHistory.js";
import { IconButton } from "./IconButton.js";
import { LinkButton } from "./LinkButton.js";
import { Skeleton } from "./Skeleton.js";
import { useBeforePaint } from "./useBeforePaint.js";
import { useLoaded } from "./useLoaded.js";
import { useWords } from "./words.js";

const load = () => import("./ChatHistory.js").then(({ ChatHistory }) => ChatHistory);

/** The history, whose code comes after the chat's own; until then a place of the same size. */
export function LazyHistory(props: ChatHistoryProps) {
  const { value: ChatHistory, hasFailed, retry } = useLoaded(load);
  const place = useRef<HTMLSpanElement | null>(null);
  const isWanted = useRef(false);
  const words = useWords();
  useBeforePaint(() => {
    if (!isWanted.current || ChatHistory === null) return;
    const toggle = place.current?.querySelector("button");
    toggle?.focus();
    toggle?.click();
  }, [ChatHistory]);
  if (props.variant !== "dropdown") {
    return ChatHistory === null ? (
      <SidePlace {...props} hasFailed={hasFailed} retry={retry} />
    ) : (
      <ChatHistory {...props} />
    );
  }
  // Who clicks before the code is there gets it opened when it is.
  const ask = () => {
    isWanted.current = true;
    retry();
  };
  return (
    <span ref={place} className={props.className}>
      {ChatHistory === null ? (
        <IconButton name="clock" label={words.history} onClick={ask} />
      ) : (
        <ChatHistory {...props} className="" />
      )}
    </span>
  );
}

function SidePlace({ className, hasFailed, retry }: ChatHistoryProps & { hasFailed: boolean; retry: () => void }) {
  const words = useWords();
  return (
    <nav className={`dcs-history ${className}`} aria-label={words.history}>
      <h2 className="dcs-history-title">{words.history}</h2>
      {hasFailed ? (
        <p className="dcs-history-note" role="alert">
          <span>{words.historyFailed}</span>
          <LinkButton onClick={retry}>{words.tryAgain}</LinkButton>
        </p>
      ) : (
        <Skeleton />
      )}
    </nav>
  );
}
