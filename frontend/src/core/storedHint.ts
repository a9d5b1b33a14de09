import { asText, type JsonStorage } from "./jsonStorage.js";

interface Hint {
  session: string | null;
  /** Whose that session is, as the server names its readers. */
  reader: string | null;
  draft: string;
}

export interface StoredHint {
  read(): Hint;
  /** False when it could not be kept. */
  write(change: Partial<Hint>): boolean;
}

/** The last session's id and the draft of one place: hints only, the server decides. */
export function createStoredHint(storage: JsonStorage, place: string): StoredHint {
  const name = `django-chat-sessions:1:${place}`;
  const read = (): Hint => {
    const { session, reader, draft } = storage.read(name);
    return { session: asText(session), reader: asText(reader), draft: asText(draft) ?? "" };
  };
  return {
    read,
    write(change) {
      const next = { ...read(), ...change };
      return storage.write(name, next.session === null && next.draft === "" ? null : next);
    },
  };
}
