import { useSyncExternalStore } from "react";

// The same width as in site.css, where the chat gets room for a sidebar.
const WIDE = "(min-width: 80rem)";

/** Whether there is room for the history beside the chat. */
export function useWideScreen(): boolean {
  return useSyncExternalStore(subscribe, () => matchMedia(WIDE).matches);
}

function subscribe(changed: () => void): () => void {
  const query = matchMedia(WIDE);
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}
