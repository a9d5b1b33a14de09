import { newMessageKey } from "./messageKey.js";

/** "Session X of scope S changed": a reason to read again, never the news itself. */
export interface TabMessage {
  scope: string;
  session: string | null;
}

export interface TabMember {
  /** Tell every other member, in this page and in other tabs. */
  tell(message: TabMessage): void;
  /** Tell the other members of this page only, when other tabs find out by themselves. */
  tellPage(message: TabMessage): void;
  leave(): void;
}

export interface TabChannel {
  join(listener: (message: TabMessage) => void): TabMember;
}

/** How messages reach other tabs. */
export interface TabTransport {
  post(message: TabMessage): void;
  close(): void;
}

export type OpenTransport = (receive: (message: TabMessage) => void) => TabTransport;

const NAME = "django-chat-sessions";

/** Opens its transport with the first member and closes it with the last. */
export function createTabChannel(open: OpenTransport = browserTransport): TabChannel {
  const listeners = new Set<(message: TabMessage) => void>();
  let transport: TabTransport | null = null;
  const deliver = (message: TabMessage, except?: (message: TabMessage) => void) => {
    for (const listener of [...listeners]) if (listener !== except) listener(message);
  };
  return {
    join(given) {
      const listener = (message: TabMessage) => given(message);
      listeners.add(listener);
      transport ??= open((message) => deliver(message));
      return {
        tell(message) {
          transport?.post(message);
          deliver(message, listener);
        },
        tellPage: (message) => deliver(message, listener),
        leave() {
          listeners.delete(listener);
          if (listeners.size > 0) return;
          transport?.close();
          transport = null;
        },
      };
    },
  };
}

export function browserTransport(receive: (message: TabMessage) => void): TabTransport {
  if (typeof BroadcastChannel !== "undefined") return broadcastTransport(receive);
  if (typeof window !== "undefined") return storageTransport(receive);
  return { post: () => {}, close: () => {} };
}

function broadcastTransport(receive: (message: TabMessage) => void): TabTransport {
  const channel = new BroadcastChannel(NAME);
  channel.onmessage = (event: MessageEvent<unknown>) => {
    if (isTabMessage(event.data)) receive(event.data);
  };
  return { post: (message) => channel.postMessage(message), close: () => channel.close() };
}

function storageTransport(receive: (message: TabMessage) => void): TabTransport {
  const listener = (event: StorageEvent) => {
    if (event.key !== NAME || event.newValue === null) return;
    const message = parse(event.newValue);
    if (message !== null) receive(message);
  };
  window.addEventListener("storage", listener);
  return {
    post(message) {
      try {
        // The same value twice raises no event, hence the nonce.
        localStorage.setItem(NAME, JSON.stringify({ ...message, nonce: newMessageKey() }));
      } catch {
        // A full or forbidden storage costs the other tabs the hint, nothing else.
      }
    },
    close: () => window.removeEventListener("storage", listener),
  };
}

function parse(text: string): TabMessage | null {
  try {
    const value: unknown = JSON.parse(text);
    return isTabMessage(value) ? { scope: value.scope, session: value.session } : null;
  } catch {
    return null;
  }
}

function isTabMessage(value: unknown): value is TabMessage {
  if (typeof value !== "object" || value === null) return false;
  const { scope, session } = value as Record<string, unknown>;
  return typeof scope === "string" && (session === null || typeof session === "string");
}
