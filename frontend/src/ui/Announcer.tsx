import { useEffect, useRef, useState } from "react";
import type { Message } from "../core/index.js";
import { useChatSelector } from "../react/index.js";
import { useWords, type Words } from "./words.js";

/** Says once that an answer is ready, here or elsewhere; the words being written are not read out one by one. */
export function Announcer() {
  const words = useWords();
  const elsewhere = useChatSelector((chat) => chat.answeredElsewhere);
  const running = useChatSelector((chat) => chat.running);
  const lastState = useChatSelector((chat) => chat.messages.at(-1)?.state ?? "");
  const session = useChatSelector((chat) => chat.session?.id ?? null);
  const before = useRef({ running, session });
  const [text, setText] = useState("");
  useEffect(() => {
    const was = before.current;
    before.current = { running, session };
    if (running !== null) setText("");
    else if (was.running !== null && was.session === session) {
      setText(outcome(lastState, words));
    }
  }, [running, session, lastState, words]);
  useEffect(() => {
    if (elsewhere !== null) setText(words.answerElsewhere);
  }, [elsewhere, words]);
  return (
    <div className="dcs-hidden" aria-live="polite" data-testid="dcs-announcer">
      {text}
    </div>
  );
}

function outcome(state: Message["state"], words: Words): string {
  if (state === "answered") return words.answerReady;
  if (state === "stopped") return words.stopped;
  return state === "interrupted" ? words.interrupted : words.answerFailed;
}
