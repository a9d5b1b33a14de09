import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as core from "./core/index.js";
import { ChatBench } from "./core/testing/chatBench.js";

const PAGE = readFileSync("../docs/how-to/plain-javascript.md", "utf8");
const CODE = [...PAGE.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code ?? "");

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
  vi.stubGlobal("fetch", bench.server.fetch);
});
afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

/** The files of the page, one after the other, each with names of its own. */
function run(): { chat: core.ChatStore; history: core.HistoryStore } {
  const [stores = "", ...others] = CODE.map((code) =>
    code
      .replace(/^import \{([^}]*)\} from "django-chat-sessions";$/m, "const {$1} = core;")
      .replace(/^import .*"\.\/stores\.js";$/m, "")
      .replaceAll(/^export /gm, ""),
  );
  const files = others.map((code) => `{\n${code}\n}`);
  return new Function("core", [stores, ...files, "return { chat, history };"].join("\n"))(core);
}

it("chats, as the page about plain JavaScript tells", async () => {
  const old = bench.server.start("subject:12", ["What is salt?", "A mineral."]);
  bench.server.changeSession(old.id, { title: "Salt", state: "ended", end_reason: "user" });
  const { chat, history } = run();
  const [field] = document.getElementsByTagName("textarea");
  const rows = () => [...document.querySelectorAll("[role=log] li")].map(({ textContent }) => textContent);
  const button = (name: string) =>
    [...document.querySelectorAll("button")].find(({ textContent }) => textContent === name);
  await vi.waitFor(() => expect(document.querySelector("[role=status]")?.textContent).toBe("new"));
  await vi.waitFor(() => expect(document.querySelector("ul")?.textContent).toContain("Salt"));
  if (field === undefined) throw new Error("There is no field.");
  field.value = "Why does ice float?";
  field.dispatchEvent(new Event("input"));
  expect(chat.getSnapshot().draft).toBe("Why does ice float?");
  document.querySelector("form")?.dispatchEvent(new Event("submit", { cancelable: true }));
  expect(rows()).toEqual([expect.stringMatching(/^Why does ice float\? \((queued|sending)\)$/)]);
  await vi.waitFor(() => expect(rows()).toEqual(["Why does ice float?", ""]));
  expect(field.value).toBe("");
  expect(button("Stop")?.hidden).toBe(false);
  expect(button("Keep this chat")?.hidden).toBe(true);
  expect(document.querySelector("[role=log]")?.getAttribute("aria-live")).toBe("off");
  const question = document.querySelector("[role=log] li");
  bench.server.finish("It is lighter.");
  await vi.waitFor(() => expect(rows()).toEqual(["Why does ice float?", "It is lighter."]), 5000);
  expect(button("Stop")?.hidden).toBe(true);
  expect(document.querySelector("[role=log] li")).toBe(question);
  const salt = document.querySelector("ul")?.querySelectorAll("button").item(1);
  salt?.focus();
  await history.rename(old.id, "Table salt");
  expect(document.activeElement?.textContent).toBe("Table salt");
  document.querySelector("ul")?.querySelectorAll("button").item(1).click();
  await vi.waitFor(() => expect(rows()).toEqual(["What is salt?", "A mineral."]));
}, 15_000);
