/** Among the tabs of one browser that ask for the same name, one at a time leads. */
export interface TabLock {
  /** `lead` is called when it is our turn, which lasts until the returned function is called or the tab is gone. */
  request(name: string, lead: () => void): () => void;
}

/** Null where the browser has none, such as on pages without HTTPS. */
export function browserLock(): TabLock | null {
  const locks = globalThis.navigator?.locks;
  if (!locks) return null;
  return {
    request(name, lead) {
      const waiting = new AbortController();
      const { signal } = waiting;
      const begin = () => {
        if (!signal.aborted) lead();
      };
      const take = () => {
        begin();
        return signal.aborted || new Promise((release) => signal.addEventListener("abort", release));
      };
      // Where the lock is refused (a page without an origin of its own) nobody can share with us.
      locks.request(name, { signal }, take).catch(begin);
      return () => waiting.abort();
    },
  };
}
