import { type MouseEvent, useSyncExternalStore } from "react";

/** What the address asks for; the page itself has taken `theme` from it. */
export interface Address {
  state: string | null;
  theme: string | null;
  dir: string | null;
  lang: string | null;
}

const MOVED = "gallery-moved";

export function useAddress(): Address {
  const query = useSyncExternalStore(subscribe, () => location.search);
  const asked = new URLSearchParams(query);
  return { state: asked.get("state"), theme: asked.get("theme"), dir: asked.get("dir"), lang: asked.get("lang") };
}

/** The address of this page with something else in it. */
export function addressWith(address: Address, change: Partial<Address>): string {
  const entries = Object.entries({ ...address, ...change }).filter(([, value]) => value !== null);
  return entries.length === 0 ? location.pathname : `?${new URLSearchParams(entries as [string, string][])}`;
}

/** Go there without loading the page again, unless the reader wants a tab of its own. */
export function goTo(event: MouseEvent<HTMLAnchorElement>): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  history.pushState(null, "", event.currentTarget.href);
  dispatchEvent(new Event(MOVED));
}

function subscribe(changed: () => void): () => void {
  addEventListener(MOVED, changed);
  addEventListener("popstate", changed);
  return () => {
    removeEventListener(MOVED, changed);
    removeEventListener("popstate", changed);
  };
}
