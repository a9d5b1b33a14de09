import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { broken, left } from "./testing/promises.js";
import { Story } from "./testing/story.js";

// The long form, and one story once more: CHAT_SESSIONS_STORIES=5000 CHAT_SESSIONS_SEED=1 npx vitest run --project newest src/core/faults.test.ts
const HOW_MANY = Number(process.env.CHAT_SESSIONS_STORIES || 170);
const FIRST = Number(process.env.CHAT_SESSIONS_SEED || 1);
const SEEDS = Array.from({ length: HOW_MANY }, (_, index) => FIRST + index);

// What has no source of chance of its own must not differ either.
beforeEach(() => void vi.spyOn(Math, "random").mockReturnValue(1));
afterEach(() => vi.restoreAllMocks());

async function told(seed: number, tabs: number, people: string[]): Promise<string> {
  const story = new Story(seed, tabs, people);
  await story.tell();
  await story.recover();
  const complaints = broken(story);
  await story.leave();
  complaints.push(...left(story));
  return complaints.length === 0 ? "" : [`CHAT_SESSIONS_SEED=${seed}`, ...story.log, ...complaints].join("\n");
}

describe.each([
  ["one tab", 1, []],
  ["three tabs", 3, []],
  ["the tabs of two people and a visitor", 3, ["7", "8"]],
])("whatever happens to %s", (_, tabs, people) => {
  it.each(SEEDS)("all promises are kept in story %i", async (seed) => {
    const report = await told(seed, tabs, people);
    expect(report === "", report).toBe(true);
  });
});
