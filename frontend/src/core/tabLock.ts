/** Among the tabs of one browser that ask for the same name, one at a time leads. */
export interface TabLock {
  /** `lead` is called when it is our turn, which lasts until the returned function is called or the tab is gone. */
  request(name: string, lead: () => void): () => void;
}

/** Null where the browser has none, such as on pages without HTTPS. */
export function browserLock(): TabLock | null {
  const locks = globalThis.navigator?.locks;
  return locks ? { request: (name, lead) => request(locks, name, lead) } : null;
}

function request(locks: LockManager, name: string, lead: () => void): () => void {
  const waiting = new AbortController();
  const { signal } = waiting;
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const begin = () => {
    if (!signal.aborted) lead();
  };
  const take = () => {
    begin();
    return held;
  };
  // Where the lock is refused (a page without an origin of its own) nobody can share with us.
  locks.request(name, { signal }, take).catch(begin);
  return () => {
    waiting.abort();
    release();
  };
}
