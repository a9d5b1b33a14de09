import { useEffect, useState } from "react";

/** Days are counted by the calendar, for not all of them have 24 hours. */
export function startOfDay(now: number, daysAgo: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - daysAgo).getTime();
}

/** Timers sleep with the device: who wakes it in the morning sees yesterday's headings for no longer than this. */
const LONGEST_NAP = 60_000;

/** The start of the present day; at midnight what shows it is rendered again, even when nothing else changes. */
export function useToday(now: () => number = Date.now): number {
  const [today, setToday] = useState(() => startOfDay(now(), 0));
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      const day = startOfDay(now(), 0);
      setToday(day);
      timer = setTimeout(look, Math.min(LONGEST_NAP, startOfDay(day, -1) - now() + 1000));
    };
    look();
    return () => clearTimeout(timer);
  }, [now]);
  return today;
}
