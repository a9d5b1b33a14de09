import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import type { Message } from "../core/index.js";
import { useChatSelector, useSessionStatus } from "../react/index.js";
import { isCutOff, spokenStatus } from "./statusText.js";
import { type ChatWords, useWords } from "./words.js";

const AnnouncerContext = createContext<((text: string) => void) | null>(null);

/** Says a sentence to those who listen; outside of an `<Announcer>` nobody does. */
export function useAnnounce(): ((text: string) => void) | null {
  return useContext(AnnouncerContext);
}

/** The one live region of a chat; the words being written are not read out one by one. */
export function Announcer({ children }: { children?: ReactNode }) {
  const [said, setSaid] = useState({ text: "", count: 0 });
  const [announce] = useState(() => (text: string) => setSaid(({ count }) => ({ text, count: count + 1 })));
  useSpokenStatus(announce);
  useSpokenAnswers(announce);
  return (
    <AnnouncerContext.Provider value={announce}>
      {children}
      <div className="dcs-hidden" aria-live="polite" data-testid="dcs-announcer">
        {/* A new element is read out even when it says the same again. */}
        <span key={said.count}>{said.text}</span>
      </div>
    </AnnouncerContext.Provider>
  );
}

/** A connection that comes back within this time was not lost for anybody who listens. */
const FLICKER = 2000;

function useSpokenStatus(announce: (text: string) => void) {
  const words = useWords();
  const info = useSessionStatus();
  const isDurable = useChatSelector((chat) => chat.durable);
  const isLost = isCutOff(info);
  const text = spokenStatus(info, isDurable, words);
  const last = useRef<{ text: string; isLost: boolean } | null>(null);
  useEffect(() => {
    const before = last.current;
    if (text === before?.text || text === null) return;
    const say = () => {
      last.current = { text, isLost };
      const news = before?.isLost && !isLost ? words.connectedAgain : text;
      // What a page says at first is read with the page.
      if (before !== null && news !== "") announce(news);
    };
    if (!isLost) return say();
    const timer = setTimeout(say, FLICKER);
    return () => clearTimeout(timer);
  }, [text, isLost, words, announce]);
}

/** Once that an answer is ready, here or elsewhere. */
function useSpokenAnswers(announce: (text: string) => void) {
  const words = useWords();
  const elsewhere = useChatSelector((chat) => chat.answeredElsewhere);
  const running = useChatSelector((chat) => chat.running !== null);
  const lastState = useChatSelector((chat) => chat.messages.at(-1)?.state ?? "");
  const session = useChatSelector((chat) => chat.session?.id ?? null);
  const before = useRef({ running, session });
  useEffect(() => {
    const was = before.current;
    before.current = { running, session };
    if (was.running && !running && was.session === session) announce(answerOutcome(lastState, words));
  }, [running, session, lastState, words, announce]);
  useEffect(() => {
    if (elsewhere !== null) announce(words.answerElsewhere);
  }, [elsewhere, words, announce]);
}

export function answerOutcome(state: Message["state"], words: ChatWords): string {
  if (state === "answered") return words.answerReady;
  if (state === "stopped") return words.stopped;
  return state === "interrupted" ? words.interrupted : words.answerFailed;
}
