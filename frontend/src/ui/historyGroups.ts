import type { Session } from "../core/index.js";

export type HistoryGroupKey = "today" | "yesterday" | "week" | "older";

export interface HistoryGroup {
  key: HistoryGroupKey;
  sessions: Session[];
}

/** By the reader's calendar days; days are counted by the calendar, for not all of them have 24 hours. */
export function groupByDay(sessions: readonly Session[], now: number): HistoryGroup[] {
  const starts = { today: startOfDay(now, 0), yesterday: startOfDay(now, 1), week: startOfDay(now, 7) };
  const groups: HistoryGroup[] = [];
  for (const session of sessions) {
    const key = groupKey(Date.parse(session.last_message_at), starts);
    const group = groups.find((known) => known.key === key);
    if (group === undefined) groups.push({ key, sessions: [session] });
    else group.sessions.push(session);
  }
  return groups;
}

export function startOfDay(now: number, daysAgo: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - daysAgo).getTime();
}

function groupKey(time: number, starts: Record<Exclude<HistoryGroupKey, "older">, number>): HistoryGroupKey {
  if (time >= starts.today) return "today";
  if (time >= starts.yesterday) return "yesterday";
  return time >= starts.week ? "week" : "older";
}

/** A time today or yesterday, a weekday within the week, else a date. */
export function whenText(time: string, group: HistoryGroupKey, locale: string | undefined): string {
  const style: Record<HistoryGroupKey, Intl.DateTimeFormatOptions> = {
    today: { hour: "numeric", minute: "2-digit" },
    yesterday: { hour: "numeric", minute: "2-digit" },
    week: { weekday: "short" },
    older: { day: "numeric", month: "short" },
  };
  return new Intl.DateTimeFormat(locale, style[group]).format(new Date(time));
}
