import { describe, expect, it } from "vitest";
import { broken } from "./testing/promises.js";
import { Story } from "./testing/story.js";
import { COMING_AND_GOING, STEPS } from "./testing/storyVerbs.js";

const VERBS = Object.fromEntries([...STEPS, ...COMING_AND_GOING]);

/** A story without chance: nothing goes wrong but what is told. */
class OwnStory extends Story {
  constructor(people: readonly string[] = []) {
    super(1, 3, people);
    this.net.trouble = 0;
    this.openTab();
  }

  /** In a tab, the last one if none is given. */
  async happens(verb: string, tab = this.tabs.at(-1)): Promise<void> {
    if (tab) await VERBS[verb]?.(this, tab);
    await this.pass(100);
  }
}

describe("a chat that was deleted", () => {
  const shown = async () => {
    const story = new OwnStory();
    const { id } = story.bench.server.start("", ["Old", "Because."]);
    story.bench.server.changeSession(id, { state: "ended", end_reason: "user", expires_at: null });
    await story.happens("open");
    expect(story.tabs[0]?.store.getSnapshot()).toMatchObject({ session: { id }, readOnly: true });
    return story;
  };

  it("may not stay where its reader knows of it", async () => {
    const story = await shown();
    story.tabs[0]?.disconnect();
    await story.happens("open a tab");
    await story.happens("remove");
    await story.recover();
    expect(broken(story)).toContain("tab 1: what is shown is what the server has: s0001 is gone");
  });

  it("may be erased without a word once it has been restored", async () => {
    const story = await shown();
    await story.happens("remove");
    await story.happens("restore");
    await story.happens("open");
    await story.happens("all is erased");
    await story.recover();
    expect(broken(story)).toEqual([]);
  });
});
