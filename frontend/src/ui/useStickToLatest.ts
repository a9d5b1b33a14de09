import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";

// On a server there is no layout, and React says so on every render.
const useBeforePaint = typeof window === "undefined" ? useEffect : useLayoutEffect;

const NEAR = 48;

interface StickToLatest {
  ref: RefObject<HTMLDivElement | null>;
  isAtLatest: boolean;
  onScroll: () => void;
  jump: () => void;
}

/** Follows new content only while the reader is at the bottom; keeps the place when older rows come in above. */
export function useStickToLatest(
  content: unknown,
  firstKey: string | undefined,
  lastKey: string | undefined,
): StickToLatest {
  const ref = useRef<HTMLDivElement | null>(null);
  const before = useRef<{ height: number; firstKey: string | undefined; lastKey: string | undefined } | null>(null);
  const [isAtLatest, setAtLatest] = useState(true);

  const jump = useCallback(() => {
    const box = ref.current;
    if (box !== null) box.scrollTop = box.scrollHeight;
    setAtLatest(true);
  }, []);

  useBeforePaint(() => {
    const box = ref.current;
    if (box === null) return;
    const last = before.current;
    before.current = { height: box.scrollHeight, firstKey, lastKey };
    const isPrepended = last !== null && last.firstKey !== firstKey && last.lastKey === lastKey;
    if (isPrepended) box.scrollTop += box.scrollHeight - last.height;
    else if (isAtLatest) box.scrollTop = box.scrollHeight;
  }, [content, firstKey, lastKey]);

  const onScroll = useCallback(() => {
    const box = ref.current;
    if (box !== null) setAtLatest(box.scrollHeight - box.scrollTop - box.clientHeight <= NEAR);
  }, []);

  return { ref, isAtLatest, onScroll, jump };
}
