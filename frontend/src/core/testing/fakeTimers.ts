import type { Timers } from "../clock.js";

/** Let every promise that can settle do so, frames and messages between tabs among them. */
export async function settle(): Promise<void> {
  for (let round = 0; round < 4; round += 1) await new Promise((resolve) => setImmediate(resolve));
}

interface Waiting {
  at: number;
  run: () => void;
}

/** Time that passes only when a test says so. */
export class FakeTimers implements Timers {
  private time: number;
  private nextId = 1;
  private readonly waiting = new Map<number, Waiting>();

  constructor(start = "2026-11-22T12:00:00.000Z") {
    this.time = Date.parse(start);
  }

  now = () => this.time;

  setTimeout = (run: () => void, milliseconds: number) => {
    const id = this.nextId++;
    this.waiting.set(id, { at: this.time + milliseconds, run });
    return id;
  };

  clearTimeout = (id: unknown) => void this.waiting.delete(id as number);

  get count(): number {
    return this.waiting.size;
  }

  /** Timers fire at their times, promises settle in between. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    await settle();
    for (let next = this.next(end); next !== null; next = this.next(end)) {
      const [id, { at, run }] = next;
      this.waiting.delete(id);
      this.time = Math.max(this.time, at);
      run();
      await settle();
    }
    this.time = end;
  }

  /** The device slept: time has passed, no timer has fired. */
  sleep(milliseconds: number): void {
    this.time += milliseconds;
    for (const waiting of this.waiting.values()) waiting.at += milliseconds;
  }

  private next(end: number): [number, Waiting] | null {
    const due = [...this.waiting].filter(([, { at }]) => at <= end).sort((a, b) => a[1].at - b[1].at);
    return due[0] ?? null;
  }
}
