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
  const [attempt, setAttempt] = useState(0);
  const [hasFailed, setFailed] = useState(false);
  const retry = useCallback(() => {
    if (!hasFailed) return;
    setFailed(false);
    setAttempt((before) => before + 1);
  }, [hasFailed]);
  useEffect(() => {
    let isLeft = false;
    let timer: ReturnType<typeof setTimeout>;
    // Quietly: what is said of the failure is not taken back and said again each time.
    const again = () => setAttempt(attempt + 1);
    const failed = () => {
      if (isLeft) return;
      setFailed(true);
      timer = setTimeout(again, Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** attempt));
      addEventListener("online", again);
    };
    load().then((loaded) => isLeft || setValue(() => loaded), failed);
    return () => {
      isLeft = true;
      clearTimeout(timer);
      removeEventListener("online", again);
    };
  }, [load, attempt]);
  return { value, hasFailed, retry };
}
