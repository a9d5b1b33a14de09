import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const files = (folder: string) =>
  globSync(`src/${folder}/**/*.{ts,tsx}`).filter((path) => !/\.test\.tsx?$|testing/.test(path));
const named = (source: string) =>
  [...source.matchAll(/(?:from|import)\s*\(?["'`]([^"'`]+)["'`]/g)].map(([, name]) => name ?? "");
const imports = (path: string) => named(readFileSync(path, "utf8"));

const ALLOWED: Record<string, RegExp> = {
  core: /^\.\/\w+\.js$/,
  react: /^(\.\/\w+\.js|\.\.\/core\/index\.js|react)$/,
  ui: /^(\.\/\w+\.js|\.\.\/(core|react)\/index\.js|react)$/,
  words: /^\.\.\/ui\/index\.js$/,
  markdown: /^(\.\/\w+\.js|\.\.\/ui\/index\.js|react|react-markdown|remark-gfm)$/,
  embed:
    /^(\.\.\/(react|ui)\/index\.js|\.\.\/words\/\w+\.js|\.\.\/ui\/ui\.css|\.\/embed\.css|react|react-dom\/client)$/,
};

it("knows every folder that has code in it", () => {
  const folders = globSync("src/*/**/*.{ts,tsx}").map((path) => path.split("/")[1]);
  expect([...new Set(folders)].sort()).toEqual(Object.keys(ALLOWED).sort());
});

it.each([
  ["core", 'import { useState } from "react";'],
  ["core", 'import type { Chat } from "../react/index.js";'],
  ["core", 'export * from "../ui/words.js";'],
  ["react", 'const chat = await import("../core/chatStore.js");'],
  ["ui", "import '../react/useChat.js';"],
])("would find what %s may not import: %s", (folder, source) => {
  expect(named(source).filter((name) => !ALLOWED[folder]?.test(name))).toHaveLength(1);
});

describe.each(Object.entries(ALLOWED))("%s", (folder, allowed) => {
  it("imports only what is below it, and only its barrel", () => {
    expect(files(folder).length).toBeGreaterThan(0);
    const strangers = files(folder).flatMap((path) =>
      imports(path)
        .filter((name) => !allowed.test(name))
        .map((name) => `${path} imports ${name}`),
    );
    expect(strangers).toEqual([]);
  });

  it("keeps its modules short and named for a concept", () => {
    const vague = /(utils?|helpers?|common|base|misc)\.tsx?$/i;
    expect(files(folder).filter((path) => vague.test(path))).toEqual([]);
    expect(files(folder).filter((path) => readFileSync(path, "utf8").split("\n").length > 301)).toEqual([]);
  });
});

it("loads the core without a browser", async () => {
  const { createChatStore } = await import("./core/index.js");
  expect(typeof createChatStore).toBe("function");
});

it("is published under the version and names that package.json promises", () => {
  const manifest = JSON.parse(readFileSync("package.json", "utf8"));
  expect(manifest.dependencies).toBeUndefined();
  const words = ["de", "fr", "es"].map((language) => `./words/${language}`);
  const paths = [".", "./react", "./ui", "./ui.css", "./markdown", "./markdown.css", ...words, "./package.json"];
  expect(Object.keys(manifest.exports)).toEqual(paths);
});
