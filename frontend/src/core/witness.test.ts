import { describe, expect, it, vi } from "vitest";
import { broken } from "./testing/promises.js";
import { Story } from "./testing/story.js";
import type { StoryTab } from "./testing/storyTab.js";
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

describe("what somebody has sent without an answer", () => {
  /** 7 sends it in the first tab, where it fails as 8 logs in in the second. */
  const failed = async () => {
    const story = new OwnStory(["7", "8"]);
    story.become(story.tabs[0] as StoryTab, "7");
    await story.happens("open a tab");
    await story.pass(1000);
    const [first, second] = story.tabs as [StoryTab, StoryTab];
    story.bench.server.faults.push({ afterwards: true });
    await story.happens("send", first);
    const [word = ""] = story.words;
    story.become(second, "8");
    await story.pass(60_000);
    expect(first.store.getSnapshot().pending).toMatchObject([{ content: word, state: "failed" }]);
    return { story, word };
  };

  it("may be sent once more by whoever comes next, as theirs", async () => {
    const { story, word } = await failed();
    await story.recover();
    expect(
      [...story.bench.server.said].filter(([, said]) => said.some(({ content }) => content === word)),
    ).toHaveLength(2);
    expect(broken(story)).toEqual([]);
  });

  it("may not be there twice where nobody has asked for that", async () => {
    const { story, word } = await failed();
    story.wrote(word, "8");
    const body = JSON.stringify({ key: "another", content: word });
    await story.bench.server.fetch("/chat/messages", { method: "POST", body });
    expect(broken(story)).toContain(`none is stored twice: ${word}`);
  });
});

it("what something in between has kept is given to nobody else, and who is given it cannot know that it is old", async () => {
  const { bench, net, chance } = new OwnStory(["7", "8"]);
  bench.server.become("7");
  const ask = async () => (await net.fetchIn("a tab")("/chat/sessions/current?scope=")).text();
  const said = await ask();
  net.trouble = 1;
  vi.spyOn(chance, "choose").mockImplementation((from) => from.find((one) => String(one).includes("as before")));
  expect(await ask()).toBe(said);
  expect([...net.misled]).toEqual(["a tab"]);
  bench.server.become("8");
  expect(await ask()).toBe("");
  net.trouble = 0;
  await ask();
  expect([...net.misled]).toEqual([]);
});

it("who has logged out is told no more by a stream after 15 seconds", async () => {
  const { server, timers } = new OwnStory(["7", "8"]).bench;
  server.become("7");
  server.streams.open("7", null);
  await timers.advance(15_000);
  expect(server.streams.count).toBe(1);
  server.become("8");
  await timers.advance(15_000);
  expect(server.streams.count).toBe(0);
});

it("a draft that is sent goes from a full storage, which takes nothing more", async () => {
  const story = new OwnStory();
  const [{ store }] = story.tabs as [StoryTab];
  await story.happens("send");
  await story.happens("the reply ends");
  store.setDraft("And how?");
  await story.happens("the storage is full");
  store.setDraft("And how long?");
  expect(store.getSnapshot().durable).toBe(false);
  store.setDraft("And how?");
  await story.happens("send what is in the field");
  await story.recover();
  expect(broken(story)).toEqual([]);
});

describe("what is in the field as a page is loaded anew", () => {
  const typed = async () => {
    const story = new OwnStory();
    await story.happens("type");
    return story;
  };

  it("comes back", async () => {
    const story = await typed();
    await story.happens("reload");
    expect(story.tabs[0]?.store.getSnapshot().draft).toBe([...story.words].join());
    await story.recover();
    expect(broken(story)).toEqual([]);
  });

  it("may not be lost", async () => {
    const story = await typed();
    story.bench.browser.storage.setItem = () => {};
    story.bench.browser.storage.values.clear();
    await story.happens("reload");
    await story.recover();
    expect(broken(story)).toEqual([`no word is lost: ${[...story.words].join()}`]);
  });
});

describe("what one person has said, on the page of a visitor", () => {
  const word = "Mine alone";

  /** The page asks for what 7, who has logged in elsewhere, has said, and is cut off as 8 logs in. */
  const asked = async (isHeld = false) => {
    const story = new OwnStory(["7", "8"]);
    story.become(story.tabs[0] as StoryTab, "");
    await story.happens("open a tab");
    const [visitors, other] = story.tabs as [StoryTab, StoryTab];
    story.become(other, "7");
    await story.pass(1000);
    story.wrote(word, "7");
    const { id } = story.bench.server.start("", [word, "Because."]);
    if (isHeld) story.bench.server.holdAnswers();
    void visitors.store.open(id);
    await story.pass(1000);
    visitors.page.signal("offline");
    story.become(story.tabs.at(-1) as StoryTab, "8");
    const shows = () => visitors.store.getSnapshot().messages.some(({ content }) => content === word);
    expect(shows()).toBe(!isHeld);
    return { story, visitors, shows };
  };

  /** 7 sends it in a tab of their own, and is answered after 8 has logged in; the page knows of 7 alone. */
  const overheard = async () => {
    const story = new OwnStory(["7", "8"]);
    story.become(story.tabs[0] as StoryTab, "");
    await story.happens("open a tab");
    const [visitors, other, third] = story.tabs as [StoryTab, StoryTab, StoryTab];
    story.become(other, "7");
    story.bench.server.start("", ["Old", "Because."]);
    await story.happens("visible", visitors);
    await story.pass(1000);
    story.bench.server.holdAnswers();
    await story.happens("send");
    const goOn = story.bench.server.setAside();
    story.become(third, "8");
    goOn();
    await story.pass(0);
    const [word = ""] = story.words;
    return { story, visitors, word };
  };

  it("may stand there until the page has asked who is here now", async () => {
    const { story, visitors, shows } = await asked();
    visitors.page.signal("online");
    expect(shows()).toBe(true);
    await story.recover();
    expect(broken(story)).toEqual([]);
  });

  it("may come from another tab, whose answer was on its way, until the page has asked again", async () => {
    const { story, visitors, word } = await overheard();
    expect(visitors.store.getSnapshot().messages.map(({ content }) => content)).toContain(word);
    await story.recover();
    expect(broken(story)).toEqual([]);
  });

  it("may not stay", async () => {
    const { story, visitors } = await asked();
    visitors.disconnect();
    await story.recover();
    expect(broken(story)).toContain(`${visitors.name}: nothing of somebody else's stays: ${word}`);
    expect(visitors.unhealed).toContain(`${word} is still there`);
  });

  it("may not come", async () => {
    const { story, visitors } = await asked(true);
    story.bench.server.release();
    await story.recover();
    expect(broken(story)).toContain(`${visitors.name}: nothing goes back: ${word} is somebody else's`);
  });
});
