import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { englishWords, type Words } from "../ui/index.js";
import { germanWords } from "./de.js";
import { spanishWords } from "./es.js";
import { frenchWords } from "./fr.js";

const TRANSLATIONS = { de: germanWords, fr: frenchWords, es: spanishWords };

/** What a function of the words makes of its argument. */
const spoken = (words: Words, key: keyof Words) => {
  const word = words[key];
  return typeof word === "function" ? (word as (given: string) => string)("XYZ") : word;
};

it("has a translation for each language of the package's Python side", () => {
  const languages = globSync("../django_chat_sessions/locale/*/").map((path) => path.split(/[\\/]/).at(-1));
  expect(Object.keys(TRANSLATIONS).sort()).toEqual(languages.filter((name) => name !== "en").sort());
});

describe.each(Object.entries(TRANSLATIONS))("%s", (language, words) => {
  it("says everything that English says, and nothing else", () => {
    expect(Object.keys(words).sort()).toEqual(Object.keys(englishWords).sort());
    expect(words.locale).toBe(language);
  });

  it.each(Object.keys(englishWords) as (keyof Words)[])("%s is a text, and holds what it is given", (key) => {
    if (key === "locale") return;
    expect(spoken(words, key)).toMatch(/\S/);
    if (typeof englishWords[key] === "function") expect(spoken(words, key)).toContain("XYZ");
  });

  it("keeps together what no line may part", () => {
    for (const key of Object.keys(words) as (keyof Words)[]) expect(spoken(words, key)).not.toMatch(/ […:;?!»]|« /);
  });

  it("speaks as the pages without JavaScript do", () => {
    const path = `../django_chat_sessions/locale/${language}/LC_MESSAGES/django.po`;
    const catalog = readFileSync(path, "utf8");
    const same = {
      "New answer": words.unread,
      "Continue this chat": words.continueChat,
      "This chat has ended": words.statusEnded,
      "New chat started": words.boundaryOtherwise,
      "Previous 7 days": words.week,
      Today: words.today,
      Yesterday: words.yesterday,
      Older: words.older,
      Sources: words.sources,
      Send: words.send,
      You: words.you,
    };
    for (const [english, translated] of Object.entries(same)) {
      expect(catalog).toContain(`msgid "${english}"\nmsgstr "${translated}"`);
    }
  });
});
