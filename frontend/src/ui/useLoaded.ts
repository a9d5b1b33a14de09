import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  /** Null until it is there. */
  value: T | null;
  hasFailed: boolean;
  retry: () => void;
}

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

/** What a dynamic import brings, as a state and not by Suspense: a server, and the page's first paint, do without. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [failures, setFailures] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const [hasFailed, setFailed] = useState(false);
  const again = useCallback(() => setAttempt((before) => Math.max(before, failures)), [failures]);
  const retry = useCallback(() => {
    setFailed(false);
    again();
  }, [again]);
  useEffect(() => {
    let isLeft = false;
    load().then(
      (loaded) => isLeft || setValue(() => loaded),
      () => {
        if (isLeft) return;
        setFailures(attempt + 1);
        setFailed(true);
      },
    );
    return () => {
      isLeft = true;
    };
  }, [load, attempt]);
  useEffect(() => {
    if (failures <= attempt) return;
    // Quietly: what is said of the failure is not taken back and said again each time.
    const timer = setTimeout(again, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt));
    addEventListener("online", again);
    return () => {
      clearTimeout(timer);
      removeEventListener("online", again);
    };
  }, [failures, attempt, again]);
  return { value, hasFailed, retry };
}
