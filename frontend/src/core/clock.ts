export type TimerId = unknown;

/** Time and timers, so that tests own them. All in milliseconds. */
export interface Timers {
  now(): number;
  setTimeout(run: () => void, milliseconds: number): TimerId;
  clearTimeout(id: TimerId): void;
}

export interface Clock extends Timers {
  /** What the server's clock shows now, as far as we can tell. */
  serverNow(): number;
  /** Learn from one answer: the server's time lies between sending and receiving. */
  observe(serverTime: string, sentAt: number, receivedAt: number): void;
  /** Until `time` on the server's clock; negative when it has passed. */
  remaining(time: string): number;
}

export const systemTimers: Timers = {
  now: () => Date.now(),
  setTimeout: (run, milliseconds) => globalThis.setTimeout(run, milliseconds),
  clearTimeout: (id) => globalThis.clearTimeout(id as ReturnType<typeof setTimeout>),
};

export function createClock(timers: Timers = systemTimers): Clock {
  let best: { offset: number; error: number } | null = null;
  const serverNow = () => timers.now() + (best?.offset ?? 0);
  return {
    ...timers,
    serverNow,
    observe(serverTime, sentAt, receivedAt) {
      const offset = Date.parse(serverTime) - (sentAt + receivedAt) / 2;
      const error = Math.max(0, receivedAt - sentAt) / 2;
      if (!Number.isFinite(offset)) return;
      // A slow answer says less than a quick one, unless the two cannot both be right: then a clock was set.
      if (!best || error <= best.error || Math.abs(offset - best.offset) > error + best.error) {
        best = { offset, error };
      }
    },
    remaining: (time) => Date.parse(time) - serverNow(),
  };
}
