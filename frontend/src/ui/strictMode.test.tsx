import { act, cleanup, fireEvent, render, screen } from "@testing-library/react";
import { Fragment, StrictMode } from "react";
import { afterEach, beforeEach, expect, it } from "vitest";
import { ChatBench } from "../core/testing/chatBench.js";
import { ChatProvider } from "../react/index.js";
import { ChatWidget } from "./ChatWidget.js";

/** As browsers have it: nobody holds a lock before the caller has gone on. */
const locks = {
  async request(_: string, { signal }: { signal: AbortSignal }, take: () => Promise<void>) {
    await Promise.resolve();
    signal.throwIfAborted();
    await take();
  },
};

beforeEach(() => void Object.defineProperty(navigator, "locks", { configurable: true, value: locks }));
afterEach(() => {
  cleanup();
  Reflect.deleteProperty(navigator, "locks");
});

/** Everything that the server is asked by a page with a whole chat, in which a question is asked. */
async function requestsOf(Mode: typeof StrictMode | typeof Fragment) {
  const bench = new ChatBench();
  bench.server.start("", ["Why?", "Because."]);
  const store = bench.store();
  const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));
  const view = render(
    <Mode>
      <ChatProvider store={store} api={bench.api()}>
        <ChatWidget history="sidebar" />
      </ChatProvider>
    </Mode>,
  );
  await advance(0);
  fireEvent.change(screen.getByLabelText("Message"), { target: { value: "What is salt?" } });
  fireEvent.click(screen.getByRole("button", { name: "Send" }));
  await advance(500);
  bench.server.finish("A mineral.");
  await advance(60_000);
  expect(screen.getByText("A mineral.")).toBeTruthy();
  view.unmount();
  return { seen: bench.server.seen.map(({ method, path }) => `${method} ${path}`), looks: bench.server.looks.length };
}

it("asks for nothing twice under StrictMode", async () => {
  const once = await requestsOf(Fragment);
  expect(once.seen.length).toBeGreaterThan(2);
  expect(await requestsOf(StrictMode)).toEqual(once);
});
