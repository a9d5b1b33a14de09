/** The part of `localStorage` we use. */
export type BrowserStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** Objects by name. Every access may fail, where cookies are blocked or the storage is full: it then does nothing. */
export interface JsonStorage {
  read(name: string): Record<string, unknown>;
  /** Null removes; false when it could not be written. */
  write(name: string, value: object | null): boolean;
  names(): string[];
}

export function createJsonStorage(open: () => BrowserStorage | null = () => globalThis.localStorage): JsonStorage {
  /** Merely touching `localStorage` throws where cookies are blocked. Null has nothing that could be called. */
  const use = <T>(run: (storage: BrowserStorage) => T): T | undefined => {
    try {
      return run(open() as BrowserStorage);
    } catch {
      return;
    }
  };
  return {
    read: (name) => use((storage) => Object(JSON.parse(storage.getItem(name) ?? "{}"))) ?? {},
    write: (name, value) =>
      use((storage) => {
        const text = JSON.stringify(value);
        if (!value) storage.removeItem(name);
        // What we see may be older than what another tab has written: to say it again would undo that.
        else if (storage.getItem(name) !== text) storage.setItem(name, text);
        return true;
      }) ?? false,
    names: () => use((storage) => Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "")) ?? [],
  };
}

/** What another program left under our name may be anything. */
export function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
