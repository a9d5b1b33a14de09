import type { TabMessage } from "./tabChannel.js";
import { isStale } from "./transcript.js";
import type { Session } from "./wire.js";

/** The list as it was, as long as all its rows are the same. */
export function sameRows(before: readonly Session[], after: readonly Session[]): readonly Session[] {
  return before.length === after.length && before.every((row, at) => row === after[at]) ? before : after;
}

/** What the list is sorted by, the greatest first. */
export function place({ archived_at, pinned_at, last_message_at, id }: Session): string {
  return `${(archived_at === null && pinned_at) || ""} ${last_message_at} ${id}`;
}

/** Whether a row is older than what is known: an answer that is late, of a session that goes on or is over since. */
export function isOld(row: Session, known: Session | undefined): boolean {
  if (known === undefined) return false;
  const isOverSince = known.state !== "active" && row.last_activity_at <= known.last_activity_at;
  return (isOverSince && row.state === "active") || isStale(known, row);
}

/** What a chat says of a session that is known, and of what that took the place of, which is no longer open. */
export function toldBy({ answer }: TabMessage, known: ReadonlyMap<string, Session>) {
  const told = answer && known.has(answer.session.id) ? [answer.session, answer.arrival.previous] : [];
  const rows = told.filter((row): row is Session => row !== null && known.has(row.id));
  return { rows, isUnsure: rows.some((row) => isUnsure(row, known.get(row.id))) };
}

/** Whether a chat's row may be old: no chat hears how its session is named, but for the first title, and filed. */
function isUnsure(row: Session, known: Session | undefined): boolean {
  const isNamedAlike = known?.title === "" || row.title === known?.title;
  const isFiledAlike = row.pinned_at === known?.pinned_at && row.archived_at === known?.archived_at;
  return !isNamedAlike || !isFiledAlike || isOld(row, known);
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
