import { useEffect, useRef } from "react";
import type { ChatSnapshot, Message } from "../core/index.js";
import { useChatSelector } from "../react/index.js";
import { answerOutcome } from "./statusText.js";
import { useWords } from "./words.js";

/** Tells how an answer on screen has ended, once. */
export function useAnswerEnd(tell: (text: string) => void) {
  const words = useWords();
  const isRunning = useChatSelector((chat) => chat.running !== null);
  const waiting = useChatSelector((chat) => chat.pending.length);
  const session = useChatSelector((chat) => chat.session?.id);
  const last = useChatSelector(lastAnswer);
  const before = useRef({ isRunning, waiting, session, last });
  useEffect(() => {
    const was = before.current;
    before.current = { isRunning, waiting, session, last };
    // Of a message whose answer was lost we may hear no sooner than when all is over, and in which chat it is.
    const isEnd = (was.isRunning || waiting < was.waiting) && (was.session ?? session) === session;
    if (isEnd && last && last !== was.last) tell(answerOutcome(last, words));
  }, [isRunning, waiting, session, last, words, tell]);
}

/** The answer at the end, when nothing is being written: one that grows is no news, and an older chat has none. */
function lastAnswer({ running, readOnly, messages }: ChatSnapshot): Message | null {
  const last = running || readOnly ? undefined : messages.at(-1);
  return last?.role === "assistant" ? last : null;
}
