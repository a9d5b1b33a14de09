import { type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { useBeforePaint } from "./useBeforePaint.js";

const NEAR = 48;

interface StickToLatest {
  ref: RefObject<HTMLDivElement | null>;
  isAtLatest: boolean;
  /** Something has arrived below since the reader left the bottom. */
  hasNews: boolean;
  onScroll: () => void;
  jump: () => void;
}

/** Follows new content only while the reader is at the bottom; keeps the place when older rows come in above. */
export function useStickToLatest(rows: readonly { key: string }[], isWriting: boolean): StickToLatest {
  const firstKey = rows[0]?.key;
  const lastKey = rows.at(-1)?.key;
  const ref = useRef<HTMLDivElement | null>(null);
  const isFollowing = useRef(true);
  const before = useRef<{ height: number; firstKey: string | undefined; lastKey: string | undefined } | null>(null);
  const [isAtLatest, setAtLatest] = useState(true);
  const [hasNews, setNews] = useState(false);

  const reach = useCallback((reached: boolean) => {
    isFollowing.current = reached;
    setAtLatest(reached);
    if (reached) setNews(false);
  }, []);

  const jump = useCallback(() => {
    toBottom(ref.current);
    reach(true);
  }, [reach]);

  useBeforePaint(() => {
    const box = ref.current;
    if (box === null) return;
    const last = before.current;
    before.current = { height: box.scrollHeight, firstKey, lastKey };
    const isPrepended = last !== null && last.firstKey !== firstKey && last.lastKey === lastKey;
    const isOther = last?.firstKey !== firstKey && !rows.some(({ key }) => key === last?.lastKey);
    // Another chat: where its reader was in the one before says nothing.
    if (isOther) jump();
    else if (isPrepended) box.scrollTop += box.scrollHeight - last.height;
    else if (isFollowing.current) toBottom(box);
  }, [firstKey, lastKey, jump]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new row, or the end of one, is the news
  useEffect(() => {
    if (!isFollowing.current) setNews(true);
  }, [lastKey, isWriting]);

  const onGrowth = useCallback(() => {
    const box = ref.current;
    // Else what has grown until now would be taken for rows that came in above.
    if (box !== null && before.current !== null) before.current.height = box.scrollHeight;
    if (isFollowing.current) toBottom(box);
  }, []);
  useGrowth(ref, onGrowth);

  const onScroll = useCallback(() => {
    const box = ref.current;
    if (box !== null) reach(box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR);
  }, [reach]);

  return { ref, isAtLatest, hasNews, onScroll, jump };
}

/** Rows grow after they were added too: an answer is written, or its real height becomes known. */
function useGrowth(ref: RefObject<HTMLDivElement | null>, onGrowth: () => void) {
  useEffect(() => {
    const content = ref.current?.firstElementChild;
    if (!content || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(onGrowth);
    observer.observe(content);
    return () => observer.disconnect();
  }, [ref, onGrowth]);
}

function toBottom(box: HTMLElement | null) {
  if (box !== null) box.scrollTop = box.scrollHeight;
}
