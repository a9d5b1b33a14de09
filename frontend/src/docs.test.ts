// @vitest-environment node
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const FOLDER = resolve(import.meta.dirname, "../node_modules/.cache/docs-snippets");
const TSC = resolve(import.meta.dirname, "../node_modules/.bin/tsc");
const FENCE = /^```(tsx?|js)\n(.*?)^```$/gms;
const FILE = /^\/\/ (\S+)\.(?:tsx?|js)\n/;
const PAGES = ["README.md", "frontend/README.md", ...globSync("docs/**/*.md", { cwd: ROOT })];

const CONFIG = {
  extends: "../../../tsconfig.json",
  compilerOptions: {
    // What a host's compiler may or may not be strict about.
    noUnusedLocals: false,
    noUnusedParameters: false,
    exactOptionalPropertyTypes: false,
    allowJs: true,
    checkJs: true,
    // Two snippets without an import may use the same name.
    moduleDetection: "force",
    paths: {
      "django-chat-sessions": ["../../../src/core/index.ts"],
      "django-chat-sessions/react": ["../../../src/react/index.ts"],
      "django-chat-sessions/ui": ["../../../src/ui/index.ts"],
      "django-chat-sessions/markdown": ["../../../src/markdown/index.ts"],
      "django-chat-sessions/words/*": ["../../../src/words/*.ts"],
    },
  },
  include: ["**/*.ts", "**/*.tsx", "**/*.js", "../../../src/css.d.ts"],
};

test("every snippet of the documentation compiles", () => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, "tsconfig.json"), JSON.stringify(CONFIG));
  let written = 0;
  for (const page of PAGES) {
    for (const [, language, code] of readFileSync(join(ROOT, page), "utf8").matchAll(FENCE)) {
      written += 1;
      write(page, `${FILE.exec(code ?? "")?.[1] ?? `snippet-${written}`}.${language}`, code ?? "");
    }
  }
  expect(written).toBeGreaterThan(5);
  expect(compile()).toBe("");
}, 30_000);

/** Each page has a folder, in which a snippet that begins with the name of a file can be imported by the others. */
function write(page: string, file: string, code: string): void {
  const path = join(FOLDER, page.replaceAll(/\W/g, "-"), file);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, code);
}

function compile(): string {
  try {
    return execFileSync(TSC, ["--noEmit", "--project", FOLDER], { encoding: "utf8" });
  } catch (error) {
    return String((error as { stdout: string }).stdout);
  }
}
