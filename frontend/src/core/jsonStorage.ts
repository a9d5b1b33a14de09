/** The part of `localStorage` we use. */
export type BrowserStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

/** Objects by name. Every access may fail, where cookies are blocked or the storage is full: it then does nothing. */
export interface JsonStorage {
  read(name: string): Record<string, unknown>;
  /** Null removes; false when it could not be written. */
  write(name: string, value: object | null): boolean;
  names(): string[];
}

export function createJsonStorage(open: () => BrowserStorage | null = browserStorage): JsonStorage {
  return {
    read: (name) => attempt(() => asObject(JSON.parse(open()?.getItem(name) ?? "{}"))) ?? {},
    write: (name, value) =>
      attempt(() => {
        const storage = open();
        if (value === null) storage?.removeItem(name);
        else storage?.setItem(name, JSON.stringify(value));
        return storage !== null;
      }) ?? false,
    names: () => attempt(() => namesIn(open())) ?? [],
  };
}

/** Merely touching `localStorage` throws where cookies are blocked. */
export function browserStorage(): BrowserStorage | null {
  return attempt(() => globalThis.localStorage) ?? null;
}

function namesIn(storage: BrowserStorage | null): string[] {
  return Array.from({ length: storage?.length ?? 0 }, (_, index) => storage?.key(index) ?? "");
}

function asObject(value: unknown): Record<string, unknown> {
  return Object(value) as Record<string, unknown>;
}

/** What another program left under our name may be anything. */
export function asText(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
