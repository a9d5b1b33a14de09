import { useCallback, useEffect, useState } from "react";

export interface Loaded<T> {
  /** Null until it is there. */
  value: T | null;
  hasFailed: boolean;
  retry: () => void;
}

/** What a dynamic import brings, as a state and not by Suspense: a server, and the page's first paint, do without. */
export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T | null>(null);
  const [failures, setFailures] = useState(0);
  const [attempt, setAttempt] = useState(0);
  const hasFailed = failures > attempt;
  const retry = useCallback(() => setAttempt((before) => Math.max(before, failures)), [failures]);
  useEffect(() => {
    let isLeft = false;
    load().then(
      (loaded) => isLeft || setValue(() => loaded),
      () => isLeft || setFailures(attempt + 1),
    );
    return () => {
      isLeft = true;
    };
  }, [load, attempt]);
  useEffect(() => {
    if (!hasFailed) return;
    addEventListener("online", retry);
    return () => removeEventListener("online", retry);
  }, [hasFailed, retry]);
  return { value, hasFailed, retry };
}
