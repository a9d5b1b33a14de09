import type { JsonStorage } from "./jsonStorage.js";
import type { TabLock } from "./tabLock.js";

/** A message as it waits in the browser's storage. */
export interface KeptMessage {
  key: string;
  content: string;
  session: string | null;
  after: string | null;
  reader: string | null;
  /** By this device's clock. */
  at: number;
}

/** Unsent messages, each in the hands of one tab; the browser frees the hands of a tab that is gone. */
export interface Outbox {
  /** False when it will not outlive this page. */
  keep(message: KeptMessage): boolean;
  forget(key: string): void;
  /** Be given what no other tab is sending, now and as tabs go; call the function returned to let go of everything. */
  open(take: (message: KeptMessage) => void): () => void;
}

const asName = (value: unknown) => (typeof value === "string" ? value : null);

export function createOutbox(storage: JsonStorage, place: string, lock: TabLock | null): Outbox {
  const prefix = `django-chat-sessions:outbox:1:${place}:`;
  /** How to let go of what is in our hands, or what we wait for. */
  const held = new Map<string, () => void>();

  const hold = (key: string, take: () => void) => {
    if (held.has(key)) return;
    held.set(key, () => {});
    if (lock === null) take();
    else held.set(key, lock.request(prefix + key, take));
  };
  const letGo = (key: string) => {
    held.get(key)?.();
    held.delete(key);
  };
  const read = (key: string): KeptMessage | null => {
    const { content, session, after, reader, at } = storage.read(prefix + key);
    if (typeof content !== "string") return null;
    return {
      key,
      content,
      session: asName(session),
      after: asName(after),
      reader: asName(reader),
      at: Number(at) || 0,
    };
  };
  const claim = (key: string, take: (message: KeptMessage) => void) =>
    hold(key, () => {
      const message = read(key);
      if (message === null) letGo(key);
      else take(message);
    });

  return {
    keep({ key, ...message }) {
      // Before it can be seen: the other tabs then queue behind us.
      hold(key, () => {});
      return storage.write(prefix + key, message);
    },
    forget(key) {
      storage.write(prefix + key, null);
      letGo(key);
    },
    open(take) {
      const isOurs = (name: string) => name.startsWith(prefix);
      const at = (name: string) => read(name.slice(prefix.length))?.at ?? 0;
      const notice = (name: string) => claim(name.slice(prefix.length), take);
      for (const name of storage
        .names()
        .filter(isOurs)
        .sort((a, b) => at(a) - at(b)))
        notice(name);
      // Without locks nobody knows whether the tab that has just kept it still lives.
      const listener = ({ key, newValue }: StorageEvent) => {
        if (lock !== null && newValue !== null && key !== null && isOurs(key)) notice(key);
      };
      globalThis.addEventListener?.("storage", listener);
      return () => {
        globalThis.removeEventListener?.("storage", listener);
        for (const key of [...held.keys()]) letGo(key);
      };
    },
  };
}
