import { retryAfterOf } from "./errors.js";

const FIRST = 1000;
const LONGEST = 30_000;

/** Milliseconds to wait before the next attempt: doubling, jittered, never less than the server asks for. */
export function backoff(attempts: number, random: () => number, error?: unknown): number {
  const base = Math.min(LONGEST, FIRST * 2 ** attempts);
  const jittered = base * (0.75 + random() / 4);
  return Math.max(jittered, retryAfterOf(error) * 1000);
}
