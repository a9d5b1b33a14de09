import { act, cleanup, render } from "@testing-library/react";
import { type ComponentType, Profiler } from "react";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ChatBench, type Tab } from "../core/testing/chatBench.js";
import { ChatProvider, useChat } from "../react/index.js";
import { ChatHistory } from "./ChatHistory.js";
import { ChatWidget } from "./ChatWidget.js";

const renders = new Map<string, number>();

/** The same component, with a profiler around that counts each time it is rendered. */
function counted<Props extends object>(Inner: ComponentType<Props>, nameOf: (props: Props) => string) {
  const count = (name: string) => void renders.set(name, (renders.get(name) ?? 0) + 1);
  return (props: Props) => (
    <Profiler id={nameOf(props)} onRender={count}>
      <Inner {...props} />
    </Profiler>
  );
}

vi.mock("./MessageRow.js", async (original) => {
  const real = await original<typeof import("./MessageRow.js")>();
  return { ...real, MessageRow: counted(real.MessageRow, ({ message }) => `row ${message.position}`) };
});
vi.mock("./HistoryList.js", async (original) => {
  const real = await original<typeof import("./HistoryList.js")>();
  return { ...real, HistoryList: counted(real.HistoryList, () => "history") };
});

const DELTAS = 500;
const FRAME = 16;
const words = { assistant: "XP" };

let bench: ChatBench;
let tab: Tab;
beforeEach(async () => {
  bench = new ChatBench();
  bench.server.streams.refusal = null;
  bench.server.start("", ["Why?", "Because."]);
  tab = bench.tab();
  tab.page.nextFrame = (run) => void bench.timers.setTimeout(run, FRAME);
});
afterEach(cleanup);

const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));

/** A host that looks at the whole chat, and so renders whenever anything of it changes. */
function Host() {
  const { entries } = useChat();
  return (
    <main data-count={entries.length}>
      <ChatHistory words={words} />
      <ChatWidget words={words} title="Ice" />
    </main>
  );
}

async function show() {
  render(
    <ChatProvider store={tab.store} api={bench.api()}>
      <Host />
    </ChatProvider>,
  );
  await advance(100);
}

it("renders an answer that pours in once per frame, and nothing else", async () => {
  await show();
  act(() => void tab.store.send("And then?"));
  await advance(1000);
  bench.server.write("word ");
  await advance(1000);
  renders.clear();
  for (let said = 1; said <= DELTAS; said += 1) {
    bench.server.write("word ".repeat(said + 1));
    // 500 in 200 ms: five every two milliseconds.
    if (said % 5 === 0) await advance(2);
  }
  await advance(2 * FRAME);
  expect(tab.store.getSnapshot().messages.at(-1)?.content).toBe("word ".repeat(DELTAS + 1));
  expect([...renders.keys()]).toEqual(["row 3"]);
  expect(renders.get("row 3")).toBeGreaterThan(1);
  expect(renders.get("row 3")).toBeLessThanOrEqual(20);
});

it("renders no row and no history for a word that is typed", async () => {
  await show();
  renders.clear();
  for (const draft of ["W", "Wh", "Why"]) act(() => tab.store.setDraft(draft));
  await advance(100);
  expect([...renders]).toEqual([]);
});
