import { memo } from "react";
import type { ChatSnapshot, PendingMessage } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { LinkButton } from "./LinkButton.js";
import { Paragraphs } from "./MessageRow.js";
import { useSlot } from "./slots.js";
import { type ChatWords, useWords } from "./words.js";

export interface PendingRowProps {
  pending: PendingMessage;
}

/** A message that is on its way, or that could not be sent: its words are never lost. */
export const PendingRow = memo(function PendingRow({ pending }: PendingRowProps) {
  const words = useWords();
  const store = useChatStore();
  const Content = useSlot("Content", Paragraphs);
  const isFailed = pending.state === "failed";
  const reason = useChatSelector((chat) => waitsFor(chat, pending));
  return (
    <article className="dcs-message" data-role="user" data-state={pending.state}>
      <h3 className="dcs-hidden">{words.you}</h3>
      <div className="dcs-message-body">
        <Content text={pending.content} author="user" isWriting={false} />
      </div>
      <p className={isFailed ? "dcs-problem" : "dcs-note"} role={pending.problem ? "alert" : undefined}>
        <span dir="auto">{isFailed ? failure(pending, words) : waiting(pending, words, reason)}</span>
        {isFailed && <WaysOn pending={pending} />}
        {(isFailed || (pending.state === "queued" && !pending.tried)) && (
          <LinkButton onClick={() => store.discard(pending.key)}>{words.editMessage}</LinkButton>
        )}
      </p>
    </article>
  );
});

/** What it waits for. */
function waiting({ problem }: PendingMessage, words: ChatWords, reason: ReturnType<typeof waitsFor>): string {
  return problem?.code === "too_many_messages" && reason === "sending" ? problem.message : words[reason];
}

export function waitsFor({ status, running, pending }: ChatSnapshot, { key, state }: PendingMessage) {
  if (status === "offline" || status === "reconnecting") return "waitingForConnection";
  // Nothing waits for what was refused.
  const next = pending.find(({ state }) => state !== "failed");
  return state === "queued" && (running || next?.key !== key) ? "waitingForTurn" : "sending";
}

function WaysOn({ pending: { key, problem, conflict } }: PendingRowProps) {
  const words = useWords();
  const store = useChatStore();
  // The same words would be too many again.
  if (problem?.code === "too_long") return null;
  if (problem?.code !== "session_ended")
    return <LinkButton onClick={() => store.retry(key)}>{words.tryAgain}</LinkButton>;
  return (
    <>
      <LinkButton onClick={() => void store.retryInEnded(key)}>{words.sendInEnded}</LinkButton>
      <LinkButton onClick={() => store.retryInCurrent(key)}>
        {conflict?.current ? words.sendInCurrent : words.newChat}
      </LinkButton>
    </>
  );
}

function failure({ problem }: PendingMessage, words: ChatWords): string {
  const code = problem?.code;
  if (code === "turn_in_progress") return words.turnInProgress;
  if (code === "session_ended") return words.sessionEnded;
  return !code || code === "network" || code === "unexpected" ? words.notSent : problem.message;
}
