import { memo } from "react";
import type { PendingMessage } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { Paragraphs } from "./MessageRow.js";
import { useWords, type Words } from "./words.js";

/** A message that is on its way, or that could not be sent: its words are never lost. */
export const PendingRow = memo(function PendingRow({ pending }: { pending: PendingMessage }) {
  const words = useWords();
  const isOffline = useChatSelector((chat) => chat.status === "offline" || chat.status === "reconnecting");
  return (
    <article className="dcs-message" data-role="user" data-state={pending.state}>
      <h3 className="dcs-hidden">{words.you}</h3>
      <div className="dcs-message-body">
        <Paragraphs text={pending.content} />
      </div>
      {pending.state !== "failed" ? (
        <p className="dcs-message-note">{isOffline ? words.waitingForConnection : words.sending}</p>
      ) : (
        <Failure pending={pending} words={words} />
      )}
    </article>
  );
});

function Failure({ pending, words }: { pending: PendingMessage; words: Words }) {
  const store = useChatStore();
  return (
    <p className="dcs-problem" role="alert">
      <span>{sentence(pending, words)}</span>
      {pending.problem?.code === "session_ended" ? (
        <>
          <button type="button" className="dcs-link" onClick={() => void store.retryInEnded(pending.key)}>
            {words.sendInEnded}
          </button>
          <button type="button" className="dcs-link" onClick={() => store.retryInCurrent(pending.key)}>
            {pending.conflict?.current ? words.sendInCurrent : words.newChat}
          </button>
        </>
      ) : (
        <button type="button" className="dcs-link" onClick={() => store.retry(pending.key)}>
          {words.tryAgain}
        </button>
      )}
      <button type="button" className="dcs-link" onClick={() => store.discard(pending.key)}>
        {words.editMessage}
      </button>
    </p>
  );
}

function sentence({ problem }: PendingMessage, words: Words): string {
  if (problem === null || problem.code === "network") return words.notSent;
  if (problem.code === "turn_in_progress") return words.turnInProgress;
  return problem.code === "session_ended" ? words.sessionEnded : problem.message;
}
