export type PageSignal = "visible" | "hidden" | "online" | "offline" | "restored";

/** What the page goes through; none of it is activity. */
export interface PageSignals {
  isVisible(): boolean;
  isOnline(): boolean;
  subscribe(listener: (signal: PageSignal) => void): () => void;
  /** Run before the page is painted next, soon also where it is not painted; the browser's when absent. */
  nextFrame?: ((run: () => void) => void) | undefined;
}

export function browserPage(): PageSignals {
  return {
    isVisible: () => globalThis.document?.visibilityState !== "hidden",
    isOnline: () => globalThis.navigator?.onLine !== false,
    subscribe: (listener) => (typeof window === "undefined" ? () => {} : listen(listener)),
  };
}

function listen(listener: (signal: PageSignal) => void): () => void {
  const controller = new AbortController();
  const { signal } = controller;
  const visibility = () => listener(document.visibilityState === "hidden" ? "hidden" : "visible");
  document.addEventListener("visibilitychange", visibility, { signal });
  window.addEventListener("online", () => listener("online"), { signal });
  window.addEventListener("offline", () => listener("offline"), { signal });
  window.addEventListener("pageshow", (event) => event.persisted && listener("restored"), { signal });
  return () => controller.abort();
}
