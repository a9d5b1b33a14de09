import { useEffect, useState } from "react";

/** Days are counted by the calendar, for not all of them have 24 hours. */
export function startOfDay(now: number, daysAgo: number): number {
  const day = new Date(now);
  return new Date(day.getFullYear(), day.getMonth(), day.getDate() - daysAgo).getTime();
}

/** The start of the present day; at midnight what shows it is rendered again, even when nothing else changes. */
export function useToday(now: () => number = Date.now): number {
  const [today, setToday] = useState(() => startOfDay(now(), 0));
  useEffect(() => {
    const timer = setTimeout(() => setToday(startOfDay(now(), 0)), startOfDay(today, -1) - now() + 1000);
    return () => clearTimeout(timer);
  }, [now, today]);
  return today;
}
