import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { ChatBench } from "../core/testing/chatBench.js";
import { translate } from "../core/testing/translator.js";
import { ChatProvider } from "../react/index.js";
import { ChatHistory } from "./ChatHistory.js";
import { ChatWidget } from "./ChatWidget.js";

afterEach(cleanup);

async function show(bench: ChatBench) {
  const tab = bench.tab();
  const advance = (milliseconds = 0) => act(() => bench.timers.advance(milliseconds));
  render(
    <ChatProvider store={tab.store} api={bench.api()}>
      <ChatWidget />
      <ChatHistory now={bench.timers.now} />
    </ChatProvider>,
  );
  await advance();
  await advance();
  translate(document.body);
  const ask = (text: string) => {
    fireEvent.change(screen.getByLabelText("Message"), { target: { value: text } });
    fireEvent.keyDown(screen.getByLabelText("Message"), { key: "Enter" });
    return advance();
  };
  return { tab, advance, ask };
}

it("stays when a message that waited is refused", async () => {
  const bench = new ChatBench();
  const { tab, advance, ask } = await show(bench);
  bench.server.offline = true;
  act(() => tab.page.signal("offline"));
  await ask("forbidden words");
  translate(document.body);
  bench.server.offline = false;
  act(() => tab.page.signal("online"));
  await advance();
  const refused = within(screen.getByRole("log")).getByRole("alert");
  expect(refused.textContent).toContain("content must not say that.");
});

it("stays when an answer begins, and shows in the history that it does", async () => {
  const bench = new ChatBench();
  const { id } = bench.server.start("", ["Why?", "Because."]);
  const { advance } = await show(bench);
  const preview = () => document.querySelector(".dcs-history-preview")?.textContent;
  expect(preview()).toBe("Open Because.");
  bench.server.changeSession(id, { running: true });
  fireEvent(document, new Event("visibilitychange"));
  await advance(1000);
  expect(preview()).toBe("Open Writing an answer…");
});

it("marks in the history what is searched", async () => {
  const bench = new ChatBench();
  bench.server.start("", ["Why?", "Because."]);
  const { advance } = await show(bench);
  const search = async (query: string) => {
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: query } });
    await advance(1000);
    translate(document.body);
    return [...document.querySelectorAll("mark")].map(({ textContent }) => textContent);
  };
  expect(await search("be")).toEqual(["Be"]);
  expect(await search("cause")).toEqual(["cause"]);
  expect(await search("")).toEqual([]);
  expect(document.querySelector(".dcs-history-preview")?.textContent).toBe("Open Because.");
});

it("says why the latest verb was refused", async () => {
  const bench = new ChatBench();
  const { advance } = await show(bench);
  const refused = async (status: number) => {
    bench.server.faults = [{ status }];
    fireEvent.click(screen.getByRole("button", { name: "New chat" }));
    await advance();
    const said = screen.getByRole("alert").textContent;
    translate(document.body);
    return said;
  };
  expect(await refused(502)).toContain("the server could not be reached");
  expect(await refused(403)).toContain("That did not work.");
  expect(await refused(502)).toContain("the server could not be reached");
});

it("says what is found, and that an archive is empty, as often as somebody asks", async () => {
  const bench = new ChatBench();
  bench.server.start("", ["Why?", "Because."]);
  await show(bench);
  const heard = async (text: string) => {
    const said = await screen.findAllByText(text);
    translate(document.body);
    return said.some(({ role }) => role === "status");
  };
  const search = (query: string) => fireEvent.change(screen.getByRole("searchbox"), { target: { value: query } });
  for (const again of ["because", "why"]) {
    search(again);
    expect(await heard("1 chat found")).toBe(true);
  }
  search("");
  fireEvent.click(screen.getByRole("button", { name: "Archived chats" }));
  expect(await heard("No archived chats.")).toBe(true);
  fireEvent.click(screen.getByRole("button", { name: "Back to all chats" }));
  expect(await screen.findByText("Because.", { selector: ".dcs-history span" })).toBeTruthy();
  expect(screen.queryByText("No archived chats.")).toBeNull();
});
