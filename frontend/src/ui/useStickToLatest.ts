import { type RefObject, type UIEvent, useCallback, useEffect, useRef, useState } from "react";
import { useBeforePaint } from "./useBeforePaint.js";

const NEAR = 48;

interface Seen {
  height: number;
  /** How far the box that they are in was scrolled. */
  top: number;
  firstKey?: string | undefined;
  lastKey?: string | undefined;
}

interface StickToLatest {
  ref: RefObject<HTMLDivElement | null>;
  isAtLatest: boolean;
  /** Something has arrived below since the reader left the bottom. */
  hasNews: boolean;
  onScroll: (event: UIEvent<HTMLElement>) => void;
  jump: () => void;
}

/** Follows new content only while the reader is at the bottom; keeps the place when older rows come in above. */
export function useStickToLatest(rows: readonly { key: string }[], isWriting: boolean): StickToLatest {
  const firstKey = rows[0]?.key;
  const lastKey = rows.at(-1)?.key;
  const ref = useRef<HTMLDivElement | null>(null);
  const isFollowing = useRef(true);
  const before = useRef({} as Seen); // filled before the first paint
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
    if (!box) return;
    const last = before.current;
    before.current = { height: box.scrollHeight, top: box.scrollTop, firstKey, lastKey };
    const change = changeOf(last, rows);
    // Another chat: where its reader was in the one before says nothing.
    if (change === "another") jump();
    else if (change === "above") box.scrollTop += box.scrollHeight - last.height;
    else if (isFollowing.current) toBottom(box);
    if (!firstKey) greet(box, isFollowing);
  }, [firstKey, lastKey, jump]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new row, or the end of one, is the news
  useEffect(() => {
    if (!isFollowing.current) setNews(true);
  }, [lastKey, isWriting]);

  useGrowth(ref, isFollowing, before);

  const onScroll = ({ currentTarget }: UIEvent<HTMLElement>) => {
    if (firstKey) reach(isAtEnd(currentTarget, before.current, isFollowing.current));
  };

  return { ref, isAtLatest, hasNews, onScroll, jump };
}

/**
 * Whether a scroll has left its reader at the end. Who leaves it goes up: a browser also goes down after what has grown,
 * and tells so before anybody hears of the growth.
 */
function isAtEnd(box: HTMLElement, seen: Seen, wasAtEnd: boolean): boolean {
  const isLeft = box.scrollHeight - box.scrollTop - box.clientHeight > NEAR;
  const hasStayed = wasAtEnd && box.scrollTop >= seen.top;
  if (isLeft && hasStayed) toBottom(box);
  seen.top = box.scrollTop;
  return !isLeft || hasStayed;
}

/** What has become of the rows since they were seen: those of another chat, or more of them above. */
function changeOf(last: Seen, rows: readonly { key: string }[]): "another" | "above" | null {
  if (last.firstKey === rows[0]?.key) return null;
  if (!rows.some(({ key }) => key === last.lastKey)) return "another";
  return last.lastKey === rows.at(-1)?.key ? "above" : null;
}

/** Rows grow after they were added too, and a phone's keyboard or a long draft takes room from all of them. */
function useGrowth(ref: RefObject<HTMLDivElement | null>, isFollowing: RefObject<boolean>, seen: RefObject<Seen>) {
  useEffect(() => {
    const box = ref.current;
    const content = box?.firstElementChild;
    if (!content || typeof ResizeObserver === "undefined") return;
    const observer = new ResizeObserver(() => {
      // Else what has grown until now would be taken for rows that came in above.
      seen.current.height = box.scrollHeight;
      if (isFollowing.current) toBottom(box);
      seen.current.top = box.scrollTop;
    });
    observer.observe(content);
    observer.observe(box);
    return () => observer.disconnect();
  }, [ref, isFollowing, seen]);
}

/** A greeting is read from its beginning, however little room there is. */
function greet(box: HTMLElement, isFollowing: RefObject<boolean>) {
  isFollowing.current = false;
  box.scrollTop = 0;
}

function toBottom(box: HTMLElement | null) {
  if (box) box.scrollTop = box.scrollHeight;
}
