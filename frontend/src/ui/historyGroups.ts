import type { Session } from "../core/index.js";
import { dateText } from "./dateText.js";
import { startOfDay } from "./useToday.js";

type DayKey = "today" | "yesterday" | "week" | "older";
type HistoryGroupKey = "pinned" | DayKey;

interface HistoryGroup {
  key: HistoryGroupKey;
  sessions: Session[];
}

/** Pinned ones first, then by the reader's calendar days; the archived are grouped by days alone. */
export function groupsOf(sessions: readonly Session[], now: number): HistoryGroup[] {
  const groups = new Map<HistoryGroupKey, Session[]>();
  for (const session of sessions) {
    const { pinned_at, archived_at, last_message_at } = session;
    const key = pinned_at !== null && archived_at === null ? "pinned" : dayOf(last_message_at, now);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [session]);
    else group.push(session);
  }
  return [...groups].map(([key, rows]) => ({ key, sessions: rows }));
}

function dayOf(time: string, now: number): DayKey {
  const at = Date.parse(time);
  if (at >= startOfDay(now, 0)) return "today";
  if (at >= startOfDay(now, 1)) return "yesterday";
  return at >= startOfDay(now, 7) ? "week" : "older";
}

/**
 * A time today, and yesterday where a heading says so; a weekday within the week, else a date, with the year where it
 * is another one.
 */
export function whenText(time: string, now: number, locale: string | undefined, isUnderDay: boolean): string {
  const date = new Date(time);
  const day = dayOf(time, now);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  const style: Intl.DateTimeFormatOptions =
    day === "week" || (day === "yesterday" && !isUnderDay)
      ? { weekday: "short" }
      : day === "older"
        ? { day: "numeric", month: "short", ...(isThisYear ? {} : { year: "numeric" }) }
        : { timeStyle: "short" };
  return dateText(date, locale, style);
}
