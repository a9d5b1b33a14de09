import type { Clock, TimerId } from "./clock.js";

interface DeadlineEvents {
  /** From `warning` milliseconds before the end, once a second, with the whole seconds left. */
  expiring(secondsLeft: number): void;
  expired(): void;
}

export interface Deadline {
  /** Watch this time on the server's clock, and warn so many milliseconds before it. */
  set(time: string, warning: number): void;
  stop(): void;
  /** Compare the clocks again: after a sleep, timers are late. */
  check(): void;
}

/** Without a wake event (a laptop that sleeps with the tab in front) we are late by no more than this. */
const LONGEST_NAP = 15_000;

export function createDeadline(clock: Clock, events: DeadlineEvents): Deadline {
  let watched: { time: string; warning: number } | null = null;
  let reported: string | null = null;
  let timer: TimerId = null;

  const check = () => {
    clock.clearTimeout(timer);
    if (!watched) return;
    const { time, warning } = watched;
    const left = clock.remaining(time);
    if (left <= 0) {
      watched = null;
      reported = time;
      events.expired();
      return;
    }
    timer = clock.setTimeout(check, nap(left, warning));
    if (left <= warning) events.expiring(Math.ceil(left / 1000));
  };

  return {
    check,
    set(time, warning) {
      if (time === watched?.time && warning === watched.warning) return;
      watched = { time, warning };
      // The server may still hold it open after we called it over: our clock is ahead, so do not ask in a loop.
      if (time === reported) timer = clock.setTimeout(check, 1000);
      else check();
    },
    stop() {
      watched = null;
      clock.clearTimeout(timer);
    },
  };
}

function nap(left: number, warning: number): number {
  if (left > warning) return Math.min(left - warning, LONGEST_NAP);
  // To the next whole second, so that the number shown changes when it should.
  return left % 1000 || 1000;
}
