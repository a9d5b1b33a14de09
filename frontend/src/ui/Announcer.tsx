import { createContext, type ReactNode, useContext, useEffect, useRef, useState } from "react";
import { useChatSelector, useSessionStatus } from "../react/index.js";
import { reasonText } from "./BoundaryNotice.js";
import { waitsFor } from "./PendingRow.js";
import { isCutOff, spokenStatus } from "./statusText.js";
import { useAnswerEnd } from "./useAnswerEnd.js";
import { useWords } from "./words.js";

const AnnouncerContext = createContext<((text: string) => void) | null>(null);

/** Says a sentence to those who listen; outside of an `<Announcer>` nobody does. */
export function useAnnounce(): ((text: string) => void) | null {
  return useContext(AnnouncerContext);
}

/** Milliseconds for which words stay beside those that come next: a screen reader may be slower, and find them gone. */
const STAYS = 5000;

/** The one live region of a chat; the words being written are not read out one by one. */
export function Announcer({ children }: { children?: ReactNode }) {
  const [said, setSaid] = useState<readonly { text: string; key: number }[]>([]);
  const [announce] = useState(() => {
    let key = 0;
    return (text: string) => {
      // A new element is read out even when it says the same again.
      const one = { text, key: key++ };
      setSaid((all) => [...all.filter((other) => other.text !== text), one]);
    };
  });
  useEffect(() => {
    if (!said[0]) return;
    // What is old would be read after the chat's last line, and again when a floating chat is opened.
    const timer = setTimeout(() => setSaid((all) => all.slice(all[1] ? -1 : 1)), STAYS);
    return () => clearTimeout(timer);
  }, [said]);
  useSpokenBoundary(announce);
  useSpokenStatus(announce);
  useSpokenWaiting(announce);
  useSpokenAnswers(announce);
  return (
    <AnnouncerContext.Provider value={announce}>
      {children}
      <div className="dcs-hidden" aria-live="polite">
        {said.map(({ text, key }) => (
          <p key={key}>{text}</p>
        ))}
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
  const { status } = info;
  const last = useRef<{ heard?: string | undefined; lost?: string; status?: string }>({});
  useEffect(() => {
    const { heard, lost, status: was } = last.current;
    const said = lost ?? heard;
    if (text === said || text === null) return;
    const say = () => {
      last.current = isLost ? { heard, lost: text } : { heard: text, status };
      if (lost && !isLost) announce(words.connectedAgain);
      const news = text || (was === "expiring" && words.statusReopened);
      // So it still is after an answer that was asked for in another tab.
      const isOld = was === status && text === words.statusReopened;
      // What a page says at first is read with the page; what was so before the connection was lost is no news.
      if (said !== undefined && news && text !== heard && !isOld) announce(news);
    };
    if (!isLost) return say();
    const timer = setTimeout(say, FLICKER);
    return () => clearTimeout(timer);
  }, [text, isLost, status, words, announce]);
}

/** Once that an answer is ready, here or elsewhere. */
function useSpokenAnswers(announce: (text: string) => void) {
  const words = useWords();
  const elsewhere = useChatSelector((chat) => chat.answeredElsewhere);
  useAnswerEnd(announce);
  // biome-ignore lint/correctness/useExhaustiveDependencies: other words are no news
  useEffect(() => {
    if (elsewhere) announce(words.answerElsewhere);
  }, [elsewhere]);
}

/** That a new chat has begun; whoever comes to a page reads that in its transcript. */
function useSpokenBoundary(announce: (text: string) => void) {
  const words = useWords();
  const entry = useChatSelector(({ entries }) => entries.findLast((entry) => entry.kind === "boundary"));
  const known = useRef<Set<string> | null>(null);
  useEffect(() => {
    const before = known.current;
    known.current = new Set(before);
    if (!entry || before?.has(entry.key)) return;
    known.current.add(entry.key);
    if (before) announce(reasonText(entry.boundary, words));
  }, [entry, words, announce]);
}

/** Why what was just sent is not on its way yet. */
function useSpokenWaiting(announce: (text: string) => void) {
  const words = useWords();
  const count = useChatSelector(({ pending }) => pending.length);
  const reason = useChatSelector((chat) => {
    const last = chat.pending.at(-1);
    return last && last.state !== "failed" ? waitsFor(chat, last) : "sending";
  });
  const before = useRef(Number.POSITIVE_INFINITY);
  useEffect(() => {
    // With one less, the last one is none that was just sent.
    const isNew = count > before.current;
    before.current = count;
    if (isNew && reason !== "sending") announce(words[reason]);
  }, [count, reason, words, announce]);
}
