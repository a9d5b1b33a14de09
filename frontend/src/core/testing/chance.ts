/** Random choices that one number determines, so that a story can be told again. */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** At least 0, less than 1: mulberry32. */
  readonly next = (): number => {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };

  happens(probability: number): boolean {
    return this.next() < probability;
  }

  upTo(limit: number): number {
    return this.next() * limit;
  }

  /** Undefined where there is nothing to choose from. */
  choose<T>(from: readonly T[]): T | undefined {
    return from[Math.floor(this.upTo(from.length))];
  }
}
