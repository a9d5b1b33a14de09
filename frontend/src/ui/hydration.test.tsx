import { act, cleanup, screen, within } from "@testing-library/react";
import { type ComponentType, lazy, type ReactNode, StrictMode, Suspense } from "react";
import { hydrateRoot, type Root } from "react-dom/client";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ChatStore } from "../core/index.js";
import { ChatBench } from "../core/testing/chatBench.js";
import { ChatProvider } from "../react/index.js";
import { ChatWidget, type ChatWidgetProps } from "./ChatWidget.js";

let bench: ChatBench;
let root: Root;
beforeEach(() => {
  bench = new ChatBench();
});
afterEach(() => {
  act(() => root.unmount());
  document.body.replaceChildren();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  cleanup();
});

const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));

function page(props: ChatWidgetProps) {
  return (
    <StrictMode>
      <ChatProvider store={bench.store()} api={bench.api()}>
        <ChatWidget {...props} />
      </ChatProvider>
    </StrictMode>
  );
}

const htmlOf = (props: ChatWidgetProps) => renderedOnServer(() => page(props));

function renderedOnServer(tree: () => ReactNode): string {
  const complain = vi.spyOn(console, "error").mockImplementation(() => {});
  for (const name of ["window", "document", "navigator", "localStorage"]) vi.stubGlobal(name, undefined);
  const html = renderToString(tree());
  vi.unstubAllGlobals();
  complain.mockRestore();
  return html;
}

// What a reader already has in this browser must not make the first render another one than the server's.
it.each(["sidebar", "dropdown", "none"] as const)("takes over what a server rendered, history %s", async (history) => {
  const props = { title: "Water", history };
  bench.server.start("", ["Why?", "Because."]);
  const before = await bench.openTab();
  before.store.setDraft("half a thought");
  before.disconnect();
  const container = document.body.appendChild(document.createElement("div"));
  container.innerHTML = htmlOf(props);
  const rendered = container.innerHTML;
  const field = container.querySelector("textarea");
  const complain = vi.spyOn(console, "error");
  const recovered = vi.fn();
  const tree = page(props);
  act(() => {
    root = hydrateRoot(container, tree, { onRecoverableError: recovered });
  });
  expect(rendered).toContain("Water");
  await advance(0);
  expect(recovered).not.toHaveBeenCalled();
  expect(complain).not.toHaveBeenCalled();
  expect(container.querySelector("textarea")).toBe(field);
  expect(field?.value).toBe("half a thought");
  expect(within(screen.getByRole("log")).getByText("Because.")).toBeTruthy();
  expect(container.querySelector(".dcs-status")?.textContent).toContain("Welcome back");
});

// A server component streams; what is inside a Suspense boundary comes to life after the provider has loaded the chat.
it.each(["none", "sidebar"] as const)("takes over a part that comes to life late, history %s", async (history) => {
  bench.server.start("", ["Why?", "Because."]);
  const bounded = (Part: ComponentType<ChatWidgetProps>, store: ChatStore) => (
    <ChatProvider store={store} api={bench.api()}>
      <Suspense fallback={<p>wait</p>}>
        <Part title="Water" history={history} />
      </Suspense>
    </ChatProvider>
  );
  const container = document.body.appendChild(document.createElement("div"));
  container.innerHTML = renderedOnServer(() => bounded(ChatWidget, bench.store()));
  const field = container.querySelector("textarea");
  expect(field).toBeTruthy();
  let arrive = (_: { default: typeof ChatWidget }) => {};
  const Late = lazy(() => new Promise<{ default: typeof ChatWidget }>((resolve) => (arrive = resolve)));
  const recovered = vi.fn();
  const store = bench.store();
  await act(async () => {
    root = hydrateRoot(container, bounded(Late, store), { onRecoverableError: recovered });
  });
  await advance(0);
  expect(store.getSnapshot().status).toBe("resumed");
  await act(async () => arrive({ default: ChatWidget }));
  await advance(0);
  expect(recovered).not.toHaveBeenCalled();
  expect(container.querySelector("textarea")).toBe(field);
  expect(within(screen.getByRole("log")).getByText("Because.")).toBeTruthy();
});
