/** The part of `localStorage` we use. */
export type HintStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

export interface Hint {
  session: string | null;
  draft: string;
}

export interface StoredHint {
  read(): Hint;
  write(change: Partial<Hint>): void;
  clear(): void;
}

const VERSION = 1;
const EMPTY: Hint = { session: null, draft: "" };

export interface StoredHintOptions {
  scope: string;
  /** Names the signed-in reader, so that two people at one browser do not meet each other's drafts. */
  owner?: string | undefined;
  storage?: (() => HintStorage | null) | undefined;
}

/** The last session's id and the draft of one scope: hints only, the server decides. */
export function createStoredHint({ scope, owner = "", storage = browserStorage }: StoredHintOptions): StoredHint {
  const key = `django-chat-sessions:${VERSION}:${encodeURIComponent(owner)}:${scope}`;
  const read = (): Hint => attempt(() => parse(storage()?.getItem(key) ?? null)) ?? EMPTY;
  const clear = () => void attempt(() => storage()?.removeItem(key));
  return {
    read,
    clear,
    write(change) {
      const next = { ...read(), ...change };
      if (next.session === null && next.draft === "") return clear();
      attempt(() => storage()?.setItem(key, JSON.stringify({ version: VERSION, ...next })));
    },
  };
}

/** Merely touching `localStorage` throws where cookies are blocked. */
export function browserStorage(): HintStorage | null {
  return attempt(() => (typeof localStorage === "undefined" ? null : localStorage)) ?? null;
}

function parse(text: string | null): Hint {
  if (text === null) return EMPTY;
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null || !("version" in value) || value.version !== VERSION) return EMPTY;
  const { session, draft } = value as Record<string, unknown>;
  return { session: typeof session === "string" ? session : null, draft: typeof draft === "string" ? draft : "" };
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
