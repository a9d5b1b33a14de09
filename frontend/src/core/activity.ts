import type { Clock, TimerId } from "./clock.js";

export interface Activity {
  /** Deliberate activity happened: typing, or a pointer or key inside the chat. */
  note(): void;
  /** The server knows of activity at this time on its clock, by whatever tab or device. */
  known(time: string): void;
  stop(): void;
}

/** Tabs that go on at once do not report at once: the first report spares the others theirs. */
const APART = 2000;

/** Reports activity at the first sign of it, then at most once every `interval()` while it goes on. */
export function createActivity(
  clock: Clock,
  random: () => number,
  interval: () => number,
  report: () => void,
): Activity {
  let last = Number.NEGATIVE_INFINITY;
  let timer: TimerId = null;

  const fire = () => {
    timer = null;
    last = clock.now();
    report();
  };
  const stop = () => {
    clock.clearTimeout(timer);
    timer = null;
  };
  return {
    note() {
      if (timer) return;
      // Never longer than that, should the clock have been set back.
      const wait = Math.min(interval(), last + interval() - clock.now());
      if (wait <= 0) fire();
      else timer = clock.setTimeout(fire, wait + random() * Math.min(APART, interval() / 4));
    },
    known(time) {
      const at = clock.now() + clock.remaining(time);
      if (at <= last) return;
      stop();
      last = at;
    },
    stop,
  };
}
