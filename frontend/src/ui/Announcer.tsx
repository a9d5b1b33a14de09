import { useEffect, useRef, useState } from "react";
import { useChatSelector } from "../react/index.js";
import { useWords } from "./words.js";

/** Says once that an answer is ready; the words being written are not read out one by one. */
export function Announcer() {
  const words = useWords();
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
      setText(lastState === "answered" ? words.answerReady : words.answerFailed);
    }
  }, [running, session, lastState, words]);
  return (
    <div className="dcs-hidden" aria-live="polite" data-testid="dcs-announcer">
      {text}
    </div>
  );
}
