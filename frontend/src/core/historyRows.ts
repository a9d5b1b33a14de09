import type { Session } from "./wire.js";

/** The list as it was, as long as all its rows are the same. */
export function sameRows(before: readonly Session[], after: readonly Session[]): readonly Session[] {
  return before.length === after.length && before.every((row, at) => row === after[at]) ? before : after;
}

/** What the list is sorted by, the greatest first. */
export function place({ archived_at, pinned_at, last_message_at, id }: Session): string {
  return `${(archived_at === null && pinned_at) || ""} ${last_message_at} ${id}`;
}

/** What is not confirmed yet: how a row is shown meanwhile, if at all. */
export type Edit = [id: string, shown: (row: Session | undefined) => Session | undefined];

export const gone: Edit[1] = () => undefined;

export function amended(part: Partial<Session>): Edit[1] {
  return (row) => row && { ...row, ...part };
}

export function backAs(before: Session | undefined): Edit[1] {
  return (row) => row ?? before;
}

export function editedRows(known: ReadonlyMap<string, Session>, edits: Iterable<Edit>): Session[] {
  const rows = new Map(known);
  for (const [id, shown] of edits) {
    const row = shown(rows.get(id));
    if (row) rows.set(id, row);
    else rows.delete(id);
  }
  return [...rows.values()];
}

/** Whether what is known of a session shows all words, or "a phrase", as the server takes them. */
export function matcherOf(query: string): (row: Session) => boolean {
  const terms = query.toLocaleLowerCase().match(/"[^"]+"|[^\s"]+/g) ?? [];
  const wanted = terms.map((term) => term.replaceAll('"', ""));
  return ({ title, preview }) => {
    const text = `${title}\n${preview}`.toLocaleLowerCase();
    return wanted.every((word) => text.includes(word));
  };
}
