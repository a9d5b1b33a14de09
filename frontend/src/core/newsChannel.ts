import type { News } from "./updatesReader.js";

/** What the tabs of one reader say to each other about news. */
export type NewsMessage =
  /** A new tab: is anybody reading for us? */
  | { kind: "ask" }
  /** The reader may be another one for the server now: read anew. */
  | { kind: "renew" }
  /** The leader lives, and whether news reach it. */
  | { kind: "alive"; isStreaming: boolean }
  | { kind: "news"; news: News };

export interface NewsChannel {
  post(message: NewsMessage): void;
  close(): void;
}

export type OpenNewsChannel = (name: string, receive: (message: NewsMessage) => void) => NewsChannel;

/** Null where the browser has no BroadcastChannel. */
export function browserNewsChannel(): OpenNewsChannel | null {
  if (typeof BroadcastChannel === "undefined") return null;
  return (name, receive) => {
    const channel = new BroadcastChannel(name);
    channel.onmessage = (event: MessageEvent<unknown>) => {
      if (isMessage(event.data)) receive(event.data);
    };
    return { post: (message) => channel.postMessage(message), close: () => channel.close() };
  };
}

function isMessage(value: unknown): value is NewsMessage {
  return typeof value === "object" && value !== null && "kind" in value && typeof value.kind === "string";
}
