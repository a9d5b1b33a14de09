import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ChatBench } from "../core/testing/chatBench.js";
import { settle } from "../core/testing/fakeTimers.js";
import { ChatProvider } from "../react/index.js";
import { ChatHistory, type ChatHistoryProps } from "./ChatHistory.js";
import { groupByDay, startOfDay, whenText } from "./historyGroups.js";
import { safeUrl, sourcesIn } from "./sources.js";
import { clockText, durationText } from "./words.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});
afterEach(cleanup);

async function show(titles: readonly string[], props: ChatHistoryProps = {}) {
  for (const title of [...titles].reverse()) {
    const { id } = bench.server.start("", [`About ${title}`]);
    bench.server.changeSession(id, { title, state: "ended" });
    await bench.timers.advance(1000);
  }
  const store = bench.store();
  render(
    <ChatProvider store={store} api={bench.api()}>
      <ChatHistory now={bench.timers.now} {...props} />
      <button type="button">Elsewhere</button>
    </ChatProvider>,
  );
  await act(settle);
  await act(settle);
}

const names = () =>
  screen.queryAllByRole("listitem").map((row) => row.querySelector(".dcs-history-name")?.textContent ?? "");
const row = (title: string) => screen.getByRole("button", { name: new RegExp(`^${title}`) });

describe("the sidebar", () => {
  it("lists the chats under their day", async () => {
    await show(["Ice", "Salt"]);
    const nav = screen.getByRole("navigation", { name: "Chats" });
    expect(within(nav).getByRole("heading", { name: "Today" })).toBeTruthy();
    expect(names()).toEqual(["Ice", "Salt"]);
  });

  it("moves among the rows by arrow keys, Home and End", async () => {
    await show(["Ice", "Salt", "Snow"]);
    row("Ice").focus();
    const walk = ["ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "ArrowUp", "x"].map((key) => {
      fireEvent.keyDown(document.activeElement as Element, { key });
      return document.activeElement?.querySelector(".dcs-history-name")?.textContent;
    });
    expect(walk).toEqual(["Salt", "Snow", "Snow", "Salt", "Ice", "Ice", "Ice"]);
  });

  it("renames in place: F2, Enter, Escape", async () => {
    await show(["Ice"]);
    fireEvent.keyDown(row("Ice"), { key: "F2" });
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: "nothing" } });
    fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape" });
    await act(settle);
    expect(document.activeElement).toBe(row("Ice"));
    fireEvent.click(screen.getByRole("button", { name: "Rename “Ice”" }));
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: " Snow " } });
    fireEvent.submit(screen.getByLabelText("Title"));
    await act(settle);
    expect(bench.server.sessions[0]?.title).toBe("Snow");
    expect(document.activeElement).toBe(row("Snow"));
    fireEvent.keyDown(row("Snow"), { key: "F2" });
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: "  " } });
    fireEvent.submit(screen.getByLabelText("Title"));
    expect(bench.server.count("PATCH", /./)).toBe(1);
  });

  it("asks before it deletes, and moves on to the neighbour", async () => {
    await show(["Ice", "Salt"]);
    fireEvent.keyDown(row("Ice"), { key: "Delete" });
    expect(document.activeElement?.textContent).toBe("Cancel");
    fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    fireEvent.click(screen.getByRole("button", { name: "Delete “Ice”" }));
    const confirm = screen.getByRole("button", { name: "Delete" });
    confirm.focus();
    fireEvent.click(confirm);
    await act(settle);
    expect(names()).toEqual(["Salt"]);
    expect(document.activeElement).toBe(row("Salt"));
    expect(bench.server.count("DELETE", /./)).toBe(1);
  });

  it("searches what is loaded, and says when nothing matches", async () => {
    await show(["Ice", "Salt"]);
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "sal" } });
    expect(names()).toEqual(["Salt"]);
    fireEvent.change(screen.getByRole("searchbox"), { target: { value: "fire" } });
    expect(screen.getByText("No chat matches “fire”.")).toBeTruthy();
  });

  it("marks the chat on screen and opens another", async () => {
    const opened: string[] = [];
    await show(["Ice", "Salt"], { onOpen: (id) => opened.push(id) });
    fireEvent.click(row("Salt"));
    await act(settle);
    expect(row("Salt").getAttribute("aria-current")).toBe("page");
    expect(row("Ice").hasAttribute("aria-current")).toBe(false);
    expect(opened).toHaveLength(1);
  });

  it("tells loading, empty and failed apart, and recovers", async () => {
    bench.server.offline = true;
    await show([]);
    expect(screen.getByRole("alert").textContent).toContain("The chats could not be loaded.");
    bench.server.offline = false;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await act(settle);
    expect(screen.getByText("Your chats will appear here.")).toBeTruthy();
  });

  it("shows more on request", async () => {
    await show(["Ice", "Salt", "Snow"], { limit: 2 });
    fireEvent.click(screen.getByRole("button", { name: "Show more" }));
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt", "Snow"]);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });
});

describe("the dropdown", () => {
  it("opens on the search box, closes by Escape, by a click elsewhere and by a choice", async () => {
    await show(["Ice"], { variant: "dropdown" });
    const toggle = screen.getByRole("button", { name: "Chats" });
    const open = async () => {
      fireEvent.click(toggle);
      await act(settle);
      expect(document.activeElement).toBe(screen.getByRole("searchbox"));
    };
    await open();
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Escape" });
    expect(toggle.getAttribute("aria-expanded")).toBe("false");
    expect(document.activeElement).toBe(toggle);
    await open();
    fireEvent.pointerDown(screen.getByRole("searchbox"));
    expect(toggle.getAttribute("aria-expanded")).toBe("true");
    fireEvent.pointerDown(screen.getByText("Elsewhere"));
    expect(toggle.getAttribute("aria-expanded")).toBe("false");
    await open();
    fireEvent.click(row("Ice"));
    await act(settle);
    expect(screen.queryByRole("navigation")).toBeNull();
  });
});

describe("days", () => {
  const local = (...parts: [number, number, number, number?]) =>
    new Date(...(parts as [number, number, number])).getTime();

  it("are the reader's calendar days", () => {
    const now = local(2026, 10, 22) + 60_000;
    const at = (time: number) => ({ ...bench.server.start(), last_message_at: new Date(time).toISOString() });
    const times = [now, startOfDay(now, 0), startOfDay(now, 0) - 1, startOfDay(now, 7), startOfDay(now, 7) - 1];
    const groups = groupByDay(times.map(at), now);
    expect(groups.map(({ key, sessions }) => [key, sessions.length])).toEqual([
      ["today", 2],
      ["yesterday", 1],
      ["week", 1],
      ["older", 1],
    ]);
  });

  it("are counted by the calendar over a change of clocks", () => {
    for (let day = 1; day <= 365; day += 1) {
      const noon = local(2026, 0, day) + 43_200_000;
      expect(new Date(startOfDay(noon, 1)).getHours()).toBe(0);
    }
  });

  it("are said as time, weekday or date", () => {
    const time = new Date(2026, 10, 22, 9, 5).toISOString();
    expect(whenText(time, "today", "en-GB")).toBe("9:05");
    expect(whenText(time, "week", "en-GB")).toBe("Sun");
    expect(whenText(time, "older", "en-GB")).toBe("22 Nov");
  });
});

describe("sources", () => {
  it.each(["https://example.org/a", "http://example.org", "mailto:a@example.org", "/subjects/1/#p", "page?x=1", "#p"])(
    "follows %s",
    (url) => {
      expect(safeUrl(url)).toBe(url);
    },
  );

  it.each([
    "javascript:alert(1)",
    " JavaScript:alert(1)",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "//evil.example",
    "/\\evil.example",
    "https:/x",
    "",
  ])("does not follow %j", (url) => {
    expect(safeUrl(url)).toBeNull();
  });

  it("are taken from the metadata, and what is none is left out", () => {
    const given = [
      { title: "A", url: "/a", quote: "q" },
      { title: "B", url: "javascript:x" },
      { url: "/c" },
      {},
      null,
      4,
    ];
    expect(sourcesIn({ sources: given })).toEqual([
      { title: "A", url: "/a", quote: "q" },
      { title: "B", url: null, quote: "" },
      { title: "/c", url: "/c", quote: "" },
    ]);
    expect(sourcesIn({ sources: "many" })).toEqual([]);
  });
});

it("says durations and countdowns", () => {
  expect([0, 45, 60, 300, 719, 7200, 172_800].map((seconds) => durationText(seconds, "en"))).toEqual([
    "0 seconds",
    "45 seconds",
    "1 minute",
    "5 minutes",
    "11 minutes",
    "2 hours",
    "2 days",
  ]);
  expect([45, 60, 5].map(clockText)).toEqual(["0:45", "1:00", "0:05"]);
});
