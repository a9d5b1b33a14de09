import { asText, type JsonStorage } from "./jsonStorage.js";
import type { TabLock } from "./tabLock.js";

/** A message as it waits in the browser's storage. */
export interface KeptMessage {
  key: string;
  content: string;
  session: string | null;
  /** Null where another version kept it. */
  scope: string | null;
  after: string | null;
  reader: string | null;
  /** By this device's clock. */
  at: number;
}

/** Unsent messages, each in the hands of one tab; the browser frees the hands of a tab that is gone. */
export interface Outbox {
  /** What is kept under a key; null where another tab has sent it or given its words back. */
  read(key: string): KeptMessage | null;
  /** Whether these words are on their way, from any tab. */
  holds(content: string): boolean;
  /** False when it will not outlive this page. */
  keep(message: KeptMessage): boolean;
  forget(key: string): void;
  /** Leave it to the other tabs. */
  letGo(key: string): void;
  /**
   * Be given what no other tab is sending, now and as tabs go, and be told what another tab has sent or taken back.
   */
  open(take: (message: KeptMessage) => void, lose: (key: string) => void): void;
  /** Let go of everything. */
  close(): void;
}

export function createOutbox(storage: JsonStorage, place: string, lock: TabLock | null): Outbox {
  const prefix = `django-chat-sessions:outbox:1:${place}:`;
  /** How to let go of what is in our hands, or what we wait for. */
  const held = new Map<string, () => void>();
  let stopListening = () => {};

  const hold = (key: string, take: () => void) => {
    if (held.has(key)) return;
    held.set(key, () => {});
    if (!lock) take();
    else held.set(key, lock.request(prefix + key, take));
  };
  const letGo = (key: string) => {
    held.get(key)?.();
    held.delete(key);
  };
  const read = (key: string): KeptMessage | null => {
    const { content, session, scope, after, reader, at } = storage.read(prefix + key);
    if (typeof content !== "string") return null;
    return {
      key,
      content,
      session: asText(session),
      scope: asText(scope),
      after: asText(after),
      reader: asText(reader),
      at: Number(at) || 0,
    };
  };
  const claim = (key: string, take: (message: KeptMessage) => void) =>
    hold(key, () => {
      const message = read(key);
      if (!message) letGo(key);
      else take(message);
    });

  const keysIn = (names: string[]) =>
    names.filter((name) => name.startsWith(prefix)).map((name) => name.slice(prefix.length));

  return {
    read,
    holds: (content) => keysIn(storage.names()).some((key) => read(key)?.content === content),
    letGo,
    keep({ key, ...message }) {
      // Before it can be seen: the other tabs then queue behind us.
      hold(key, () => {});
      return storage.write(prefix + key, message);
    },
    forget(key) {
      storage.write(prefix + key, null);
      letGo(key);
    },
    open(take, lose) {
      const at = (key: string) => read(key)?.at ?? 0;
      for (const key of keysIn(storage.names()).sort((a, b) => at(a) - at(b))) claim(key, take);
      const listener = ({ key: name, newValue }: StorageEvent) => {
        for (const key of keysIn([name ?? ""])) {
          if (newValue === null) lose(key);
          // Without locks nobody knows whether the tab that has just kept it still lives.
          else if (lock) claim(key, take);
        }
      };
      globalThis.addEventListener?.("storage", listener);
      stopListening = () => globalThis.removeEventListener?.("storage", listener);
    },
    close() {
      stopListening();
      for (const key of held.keys()) letGo(key);
    },
  };
}
