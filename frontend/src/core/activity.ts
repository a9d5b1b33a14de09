import type { Clock, TimerId } from "./clock.js";

export interface Activity {
  /** Deliberate activity happened: typing, or a pointer or key inside the chat. */
  note(): void;
  /** The server has just learnt of activity by other means, such as a message. */
  reported(): void;
  stop(): void;
}

/** Reports activity at the first sign of it, then at most once every `interval()` while it goes on. */
export function createActivity(clock: Clock, interval: () => number, report: () => void): Activity {
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
      const wait = last + interval() - clock.now();
      if (wait <= 0) {
        stop();
        fire();
      } else {
        timer ??= clock.setTimeout(fire, wait);
      }
    },
    reported() {
      stop();
      last = clock.now();
    },
    stop,
  };
}
