import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ChatBench } from "../core/testing/chatBench.js";
import { settle } from "../core/testing/fakeTimers.js";
import { ChatProvider } from "../react/index.js";
import { ChatHistory, type ChatHistoryProps } from "./ChatHistory.js";
import * as dates from "./dateText.js";
import { groupsOf, whenText } from "./historyGroups.js";
import { safeUrl, sourcesIn } from "./sources.js";
import { startOfDay } from "./useToday.js";
import { clockText, durationText, momentText } from "./words.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});
afterEach(cleanup);

async function show(titles: readonly string[], props: ChatHistoryProps = {}, container?: HTMLElement) {
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
    container && { container },
  );
  await act(settle);
  await act(settle);
}

const names = () =>
  screen.queryAllByRole("listitem").map((row) => row.querySelector(".dcs-history-name")?.textContent ?? "");
const row = (title: string) => screen.getByRole("button", { name: new RegExp(`^${title}`) });
const more = (title: string) => screen.getByRole("button", { name: `Options for “${title}”` });
const undoBar = () => document.querySelector(".dcs-history-body > [role=status]") as HTMLElement;

/** An item of the row's menu. */
function choose(title: string, item: string) {
  fireEvent.click(more(title));
  fireEvent.click(screen.getByRole("menuitem", { name: item }));
}

function search(query: string) {
  fireEvent.change(screen.getByRole("searchbox"), { target: { value: query } });
}

describe("the sidebar", () => {
  it("lists the chats under their day", async () => {
    await show(["Ice", "Salt"]);
    const nav = screen.getByRole("navigation", { name: "Chats" });
    expect(within(nav).getByRole("heading", { name: "Today" })).toBeTruthy();
    expect(names()).toEqual(["Ice", "Salt"]);
  });

  it("says that a chat is open in a word of its own", async () => {
    bench.server.start("", ["When it melts"]);
    await show([]);
    expect(document.querySelector(".dcs-history-preview")?.textContent).toBe("Open When it melts");
    expect(names()).toEqual(["New chat"]);
  });

  it("leads back from the archive to where one reads from", async () => {
    await show(["Ice"]);
    const arrow = (direction: string) => {
      document.body.style.direction = direction;
      fireEvent.click(screen.getByRole("button", { name: "Archived chats" }));
      const back = screen.getByRole("button", { name: "Back to all chats" });
      const path = back.querySelector("path")?.getAttribute("d");
      fireEvent.click(back);
      return path;
    };
    expect(arrow("ltr")).toMatch(/^M16 10H4M/);
    expect(arrow("rtl")).toMatch(/^M4 10h12M/);
    document.body.style.direction = "";
  });

  it("moves among the rows by arrow keys, Home and End", async () => {
    await show(["Ice", "Salt", "Snow"]);
    row("Ice").focus();
    const walk = ["ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "ArrowUp", "x"].map((key) => {
      // Else the page would be scrolled, too.
      expect(fireEvent.keyDown(document.activeElement as Element, { key })).toBe(key === "x");
      return document.activeElement?.querySelector(".dcs-history-name")?.textContent;
    });
    expect(walk).toEqual(["Salt", "Snow", "Snow", "Salt", "Ice", "Ice", "Ice"]);
    expect(row("Ice").getAttribute("aria-keyshortcuts")).toBe("F2 Delete");
    fireEvent.keyDown(row("Ice"), { key: "F2" });
    // A caret is moved, and no focus.
    expect(fireEvent.keyDown(screen.getByLabelText("Title"), { key: "ArrowDown" })).toBe(true);
    expect(document.activeElement).toBe(screen.getByLabelText("Title"));
  });

  it("is tabbed through as it is read: the search, then the archive", async () => {
    await show(["Ice"]);
    const stops = [...document.querySelectorAll(".dcs-history-head :is(input, button)")];
    expect(stops).toEqual([screen.getByRole("searchbox"), screen.getByRole("button", { name: "Archived chats" })]);
  });

  it("is one stop for the Tab key, and goes down into it from the search", async () => {
    await show(["Ice", "Salt", "Snow"]);
    const stops = () => [row("Ice"), row("Salt"), row("Snow")].map((button) => button.tabIndex);
    expect(stops()).toEqual([0, -1, -1]);
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Home" });
    expect(document.activeElement).toBe(document.body);
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "ArrowDown" });
    expect(document.activeElement).toBe(row("Ice"));
    act(() => row("Snow").focus());
    expect(stops()).toEqual([-1, -1, 0]);
    expect(more("Snow").tabIndex).toBe(0);
    expect(more("Ice").tabIndex).toBe(-1);
  });

  it("renames in place: F2, Enter, Escape", async () => {
    await show(["Ice"]);
    fireEvent.keyDown(row("Ice"), { key: "F2" });
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: "nothing" } });
    fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape" });
    await act(settle);
    expect(document.activeElement).toBe(row("Ice"));
    choose("Ice", "Rename");
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: " Snow " } });
    fireEvent.submit(screen.getByLabelText("Title"));
    await act(settle);
    expect(bench.server.sessions[0]?.title).toBe("Snow");
    expect(document.activeElement).toBe(row("Snow"));
    for (const same of ["  ", "Snow "]) {
      expect(fireEvent.keyDown(row("Snow"), { key: "F2" })).toBe(false);
      const title = screen.getByLabelText<HTMLInputElement>("Title");
      expect([title.selectionStart, title.selectionEnd, title.maxLength]).toEqual([0, 4, 200]);
      fireEvent.change(title, { target: { value: same } });
      fireEvent.submit(title);
      await act(settle);
    }
    expect(bench.server.count("PATCH", /./)).toBe(1);
  });

  it("keeps a title that was typed when its chat moves to another day", async () => {
    const { id } = bench.server.start("", ["About Ice"]);
    bench.server.changeSession(id, { title: "Ice", last_message_at: "2026-11-21T08:00:00.000000Z" });
    await show(["Salt"]);
    fireEvent.keyDown(row("Ice"), { key: "F2" });
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: "Ice and water" } });
    // Somebody writes in it on a phone, and the list is read again.
    bench.server.changeSession(id, { last_message_at: "2026-11-22T12:00:05.000000Z", message_count: 2 });
    document.dispatchEvent(new Event("visibilitychange"));
    await act(settle);
    await act(settle);
    expect(screen.getAllByRole("heading").map(({ textContent }) => textContent)).not.toContain("Yesterday");
    expect(bench.server.find(id)?.title).toBe("Ice and water");
    expect(names()).toContain("Ice and water");
  });

  it("gives no key that was meant for a title to another chat when its own is deleted on a phone", async () => {
    await show(["Ice", "Salt"]);
    fireEvent.keyDown(row("Ice"), { key: "F2" });
    const { id = "" } = bench.server.sessions.find(({ title }) => title === "Ice") ?? {};
    bench.server.sessions = bench.server.sessions.filter((session) => session.id !== id);
    document.dispatchEvent(new Event("visibilitychange"));
    await act(settle);
    await act(settle);
    expect(names()).toEqual(["Salt"]);
    expect(document.activeElement?.className).toBe("dcs-history-groups");
  });

  it("leaves Escape to an input method that is at work on a title", async () => {
    await show(["Ice"]);
    fireEvent.keyDown(row("Ice"), { key: "F2" });
    fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape", isComposing: true });
    fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape", keyCode: 229 });
    expect(screen.queryByLabelText("Title")).not.toBeNull();
  });

  it("still offers to undo the second deletion when the first one fails", async () => {
    await show(["Ice", "Salt", "Snow"]);
    bench.server.faults = [{ status: 503 }];
    fireEvent.keyDown(row("Ice"), { key: "Delete" });
    fireEvent.keyDown(row("Salt"), { key: "Delete" });
    await act(settle);
    await act(settle);
    expect(names()).toEqual(["Ice", "Snow"]);
    expect(screen.queryByRole("button", { name: "Undo" })).not.toBeNull();
  });

  it("may be told that nothing is set", async () => {
    await show(["Ice"], { variant: undefined, words: undefined, className: undefined, scope: undefined });
    expect(names()).toEqual(["Ice"]);
  });

  it("keeps a title that was typed when the focus goes elsewhere, and leaves it there", async () => {
    await show(["Ice"]);
    const rename = (title: string) => {
      choose(names()[0] ?? "", "Rename");
      fireEvent.change(screen.getByLabelText("Title"), { target: { value: title } });
    };
    rename("Snow");
    // The window is left, and the field is where the focus comes back to.
    fireEvent.blur(screen.getByLabelText("Title"));
    expect(screen.getByLabelText("Title")).toBeTruthy();
    act(() => screen.getByText("Elsewhere").focus());
    await act(settle);
    expect(screen.queryByLabelText("Title")).toBeNull();
    expect(bench.server.sessions[0]?.title).toBe("Snow");
    expect(document.activeElement).toBe(screen.getByText("Elsewhere"));
    rename("Hail");
    fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape" });
    await act(settle);
    expect(names()).toEqual(["Snow"]);
    expect(bench.server.count("PATCH", /./)).toBe(1);
  });

  it("has a menu for each row: arrow keys, Escape, and the focus comes back", async () => {
    await show(["Ice"]);
    const press = (key: string) => fireEvent.keyDown(document.activeElement as Element, { key });
    more("Ice").focus();
    press("ArrowUp");
    expect(screen.queryByRole("menu")).toBeNull();
    expect(more("Ice").getAttribute("aria-haspopup")).toBe("menu");
    // The press that opens it may take the focus to the button.
    expect(fireEvent.mouseDown(more("Ice"))).toBe(true);
    expect(press("ArrowDown")).toBe(false);
    expect(more("Ice").getAttribute("aria-expanded")).toBe("true");
    expect(document.getElementById(more("Ice").getAttribute("aria-controls") ?? "")).toBe(screen.getByRole("menu"));
    const walk = ["ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "x"].map((key) => {
      expect(press(key)).toBe(key === "x");
      return document.activeElement?.textContent;
    });
    expect(walk).toEqual(["Rename", "Delete", "Pin", "Delete", "Pin", "Pin"]);
    expect(press("Escape")).toBe(false);
    expect(screen.queryByRole("menu")).toBeNull();
    expect(document.activeElement).toBe(more("Ice"));
    fireEvent.click(more("Ice"));
    // Else the focus would go there, which closes it, and the click would open it anew.
    expect(fireEvent.mouseDown(more("Ice"))).toBe(false);
    fireEvent.click(more("Ice"));
    expect(screen.queryByRole("menu")).toBeNull();
    fireEvent.click(more("Ice"));
    act(() => screen.getByText("Elsewhere").focus());
    expect(screen.queryByRole("menu")).toBeNull();
    expect(document.activeElement).toBe(screen.getByText("Elsewhere"));
  });

  it("shows the menu where there is room for it", async () => {
    await show(["Ice"]);
    const at = (place: object) => {
      more("Ice").getBoundingClientRect = () => ({ top: 0, bottom: 0, right: 0, ...place }) as DOMRect;
      fireEvent.click(more("Ice"));
      const { top, left } = screen.getByRole("menu").style;
      fireEvent.click(more("Ice"));
      return [top, left];
    };
    expect(at({ top: 60, bottom: 90, right: 300 })).toEqual(["94px", "300px"]);
    expect(at({ top: 700, bottom: innerHeight - 1, right: 9999 })).toEqual(["696px", `${innerWidth - 4}px`]);
    expect(at({ top: -50, bottom: innerHeight - 1, right: -20 })).toEqual(["4px", "4px"]);
    document.body.style.direction = "rtl";
    expect(at({ top: 60, bottom: 90, left: 270, right: 300 })).toEqual(["94px", "270px"]);
    document.body.style.direction = "";
  });

  it("begins a preview in its own direction, whatever that of the badge beside it", async () => {
    const { id } = bench.server.start("", ["About Ice"]);
    bench.server.changeSession(id, { title: "Ice" });
    await show([]);
    const badge = row("Ice").querySelector(".dcs-badge");
    expect(badge?.textContent).toBe("Open");
    // What has a direction of its own does not decide that of what is around it.
    expect(badge?.closest("[dir]")).toBe(badge?.parentElement);
    expect(badge?.parentElement?.parentElement?.className).toBe("dcs-history-preview");
  });

  it("pins into a group of its own, and the focus goes along", async () => {
    await show(["Ice", "Salt"]);
    choose("Salt", "Pin");
    await act(settle);
    expect(names()).toEqual(["Salt", "Ice"]);
    expect(screen.getAllByRole("heading", { level: 3 }).map(({ textContent }) => textContent)).toEqual([
      "Pinned",
      "Today",
    ]);
    expect(document.activeElement).toBe(row("Salt"));
    expect(row("Salt").textContent).toContain("Pinned");
    choose("Salt", "Unpin");
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    expect(document.activeElement).toBe(row("Salt"));
  });

  it("says the day of a pinned chat of yesterday, over which no heading says it", async () => {
    const tomorrow = () => bench.timers.now() + 86_400_000;
    await show(["Ice", "Salt"], { now: tomorrow, words: { locale: "en-GB" } });
    const when = (title: string) => row(title).querySelector("time")?.textContent;
    expect(when("Salt")).toMatch(/^\d+:\d\d$/);
    choose("Salt", "Pin");
    await act(settle);
    const day = new Intl.DateTimeFormat("en-GB", { weekday: "short" }).format(bench.timers.now());
    expect(when("Salt")).toBe(day);
    expect(when("Ice")).toMatch(/^\d+:\d\d$/);
  });

  it("deletes at once, moves on to the neighbour, and takes it back", async () => {
    await show(["Ice", "Salt", "Snow"]);
    const seen = vi.fn();
    undoBar().scrollIntoView = seen;
    row("Salt").focus();
    fireEvent.keyDown(row("Salt"), { key: "Delete" });
    expect(names()).toEqual(["Ice", "Snow"]);
    expect(document.activeElement).toBe(row("Snow"));
    await act(settle);
    expect(bench.server.count("DELETE", /./)).toBe(1);
    const undo = within(undoBar()).getByRole("button", { name: "Undo" });
    expect(seen).toHaveBeenCalledExactlyOnceWith({ block: "nearest" });
    expect(undoBar().textContent).toContain("Chat deleted");
    undo.focus();
    fireEvent.click(undo);
    expect(names()).toEqual(["Ice", "Salt", "Snow"]);
    expect(document.activeElement).toBe(row("Salt"));
    await act(settle);
    expect(undoBar().textContent).toBe("");
    expect(bench.server.sessions).toHaveLength(3);
    choose("Snow", "Delete");
    expect(document.activeElement).toBe(row("Salt"));
    fireEvent.keyDown(row("Salt"), { key: "z", ctrlKey: true });
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt", "Snow"]);
    expect(document.activeElement).toBe(row("Snow"));
    fireEvent.keyDown(row("Salt"), { key: "z", ctrlKey: true });
    expect(bench.server.count("POST", /restore/)).toBe(2);
  });

  it("keeps the focus in the list when the last row goes", async () => {
    await show(["Ice"]);
    row("Ice").focus();
    fireEvent.keyDown(row("Ice"), { key: "Delete" });
    await act(settle);
    expect(document.activeElement?.className).toBe("dcs-history-groups");
    expect(screen.getByText("Your chats will appear here.")).toBeTruthy();
  });

  it("has words of its own where a proxy refuses", async () => {
    bench.server.faults = [{ status: 403, body: "<h1>No</h1>" }];
    await show([]);
    expect(screen.getByRole("alert").textContent).toContain("The chats could not be loaded.");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await act(settle);
    expect(screen.queryByRole("alert")).toBeNull();
  });

  it("offers the way back for a while, and for as long as somebody is at it", async () => {
    await show(["Ice", "Salt"]);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const pass = (milliseconds: number) => act(() => void vi.advanceTimersByTime(milliseconds));
    choose("Ice", "Delete");
    await act(settle);
    pass(19_000);
    const undo = screen.getByRole("button", { name: "Undo" });
    act(() => undo.focus());
    pass(60_000);
    fireEvent.pointerEnter(undoBar());
    act(() => undo.blur());
    pass(60_000);
    expect(screen.getByRole("button", { name: "Undo" })).toBe(undo);
    fireEvent.pointerLeave(undoBar());
    pass(20_000);
    vi.useRealTimers();
    expect(screen.queryByRole("button", { name: "Undo" })).toBeNull();
  });

  it("shows again what could not be deleted, and says so", async () => {
    await show(["Ice", "Salt"]);
    bench.server.faults = [{}];
    choose("Ice", "Delete");
    expect(names()).toEqual(["Salt"]);
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    expect(undoBar().textContent).toBe("");
    expect(screen.getByRole("alert").textContent).toContain("That did not work");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await act(settle);
    expect(names()).toEqual(["Salt"]);
    expect(undoBar().textContent).toContain("Chat deleted");
    bench.server.faults = [{ status: 400, body: '{"code":"invalid","message":"Not that one.","field":null}' }];
    choose("Salt", "Pin");
    await act(settle);
    expect(screen.getByRole("alert").textContent).toContain("Not that one.");
  });

  it("offers to take back what was deleted by an attempt whose answer was lost", async () => {
    await show(["Ice", "Salt"]);
    bench.server.faults = [{ afterwards: true }];
    choose("Ice", "Delete");
    await act(settle);
    expect(bench.server.sessions).toHaveLength(1);
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await act(settle);
    expect(screen.queryByRole("alert")).toBeNull();
    fireEvent.click(within(undoBar()).getByRole("button", { name: "Undo" }));
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    expect(bench.server.sessions).toHaveLength(2);
  });

  it("takes the chat on screen along when putting it away, or taking that back, succeeds at the second attempt", async () => {
    await show(["Ice", "Salt"]);
    fireEvent.click(row("Ice"));
    await act(settle);
    const isOpen = () => screen.queryByRole("button", { current: "page" })?.textContent?.startsWith("Ice") ?? false;
    for (const [first, then] of [
      [() => choose("Ice", "Archive"), false],
      [() => fireEvent.click(within(undoBar()).getByRole("button", { name: "Undo" })), true],
      [() => choose("Ice", "Delete"), false],
      [() => fireEvent.click(within(undoBar()).getByRole("button", { name: "Undo" })), true],
    ] as const) {
      bench.server.faults = [{}];
      first();
      await act(settle);
      fireEvent.click(screen.getByRole("button", { name: "Try again" }));
      await act(settle);
      await act(settle);
      expect(isOpen()).toBe(then);
    }
  });

  it("archives, shows the archived, and moves back", async () => {
    await show(["Ice", "Salt"]);
    choose("Ice", "Archive");
    await act(settle);
    expect(names()).toEqual(["Salt"]);
    expect(undoBar().textContent).toContain("Chat archived");
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    choose("Ice", "Archive");
    await act(settle);
    const toggle = screen.getByRole("button", { name: "Archived chats" });
    toggle.focus();
    fireEvent.click(toggle);
    await act(settle);
    expect(screen.queryByRole("searchbox")).toBeNull();
    expect(screen.getByRole("heading", { name: "Archived chats" })).toBeTruthy();
    expect(names()).toEqual(["Ice"]);
    // The heading says it of all of them.
    expect(row("Ice").textContent).not.toContain("Archived");
    choose("Ice", "Move back");
    await act(settle);
    expect(screen.getAllByText("No archived chats.").map(({ role }) => role)).toEqual(["", "status"]);
    expect(undoBar().textContent).toContain("Chat moved back");
    const back = screen.getByRole("button", { name: "Back to all chats" });
    expect(back).toBe(toggle);
    fireEvent.click(back);
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
  });

  it("searches on the server, marks where it was found, and says how much", async () => {
    await show(["Ice", "Salt"], { limit: 1 });
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { archived_at: "2026-11-22T12:00:00.000000Z" });
    search("about (x|salt)");
    expect(screen.getByText("Searching…")).toBeTruthy();
    await screen.findAllByText("No chat matches “about (x|salt)”.");
    search("about SALT");
    expect(await screen.findByText("1 chat found")).toBeTruthy();
    expect(names()).toEqual(["Salt"]);
    expect([...document.querySelectorAll("mark")].map(({ textContent }) => textContent)).toEqual([
      "Salt",
      "About",
      "Salt",
    ]);
    expect(row("Salt").textContent).toContain("Archived");
    search("abou");
    expect(await screen.findByText("2 chats found")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
    for (const nothing of ["", "  "]) {
      search(nothing);
      expect(names()).toEqual(["Ice"]);
      expect(document.querySelector("mark")).toBeNull();
      expect(document.querySelector(".dcs-history-groups [role=status]")?.textContent).toBe("");
    }
  });

  it("says when there may be more, and when the search failed", async () => {
    await show(Array.from({ length: 31 }, (_, at) => `Chat ${at}`));
    search("about");
    expect(await screen.findByText("There may be more. Add a word to find it.")).toBeTruthy();
    bench.server.offline = true;
    search("nothing");
    expect((await screen.findByRole("alert")).textContent).toContain("That did not work");
    expect(screen.queryByText(/No chat matches/)).toBeNull();
    bench.server.offline = false;
    const again = screen.getByRole("button", { name: "Try again" });
    again.focus();
    fireEvent.click(again);
    expect((await screen.findAllByText("No chat matches “nothing”.")).length).toBeGreaterThan(0);
    expect(document.activeElement?.className).toBe("dcs-history-groups");
  });

  it("marks the chat in which an answer is being written", async () => {
    await show(["Ice"]);
    expect(row("Ice").textContent).not.toContain("Writing");
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { running: true });
    fireEvent(document, new Event("visibilitychange"));
    await act(settle);
    expect(row("Ice").textContent).toContain("Writing an answer…");
  });

  it("renders one row when one row changes, and asks once for thirty", async () => {
    await show(Array.from({ length: 30 }, (_, at) => `Chat ${String(at).padStart(2, "0")}`));
    expect(bench.server.count("GET", /^\/sessions\?/)).toBe(1);
    const { id = "" } = bench.server.sessions[7] ?? {};
    bench.server.changeSession(id, { title: "Renamed" });
    // Each row says its time once.
    const format = vi.spyOn(dates, "dateText");
    fireEvent(document, new Event("visibilitychange"));
    await act(settle);
    const { length } = format.mock.calls;
    format.mockRestore();
    expect(names()).toContain("Renamed");
    expect(length).toBe(1);
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

  it("shows what was chosen as on its way until it is on screen, and asks for it once", async () => {
    await show(["Ice", "Salt", "Snow"]);
    const said = () => [...document.querySelectorAll("[role=status]")].map(({ textContent }) => textContent).join("");
    const read = () => bench.server.count("GET", /\/messages/);
    bench.server.hold();
    fireEvent.click(row("Salt"));
    fireEvent.click(row("Salt"));
    await act(settle);
    expect([row("Salt").getAttribute("aria-busy"), row("Ice").getAttribute("aria-busy")]).toEqual(["true", null]);
    expect(row("Salt").textContent).toContain("Loading…");
    expect([said(), read()]).toEqual(["Loading…", 1]);
    const first = bench.server.setAside();
    bench.server.hold();
    fireEvent.click(row("Snow"));
    first();
    await act(settle);
    expect([row("Salt").getAttribute("aria-busy"), row("Snow").getAttribute("aria-busy")]).toEqual([null, "true"]);
    await act(async () => bench.server.release());
    await act(settle);
    expect(row("Snow").getAttribute("aria-current")).toBe("page");
    expect([row("Snow").getAttribute("aria-busy"), said()]).toEqual([null, "Snow"]);
    bench.server.offline = true;
    fireEvent.click(row("Ice"));
    await act(settle);
    expect([row("Ice").getAttribute("aria-busy"), said()]).toEqual([null, ""]);
  });

  it("tells loading, empty and failed apart, and recovers", async () => {
    bench.server.hold();
    await show([]);
    expect(screen.getAllByRole("status").map(({ textContent }) => textContent)).toContain("Loading…");
    expect(screen.queryByText("Your chats will appear here.")).toBeNull();
    cleanup();
    await act(async () => bench.server.release());
    bench.server.offline = true;
    await show([]);
    expect(screen.getByRole("alert").textContent).toContain("The chats could not be loaded.");
    bench.server.offline = false;
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await act(settle);
    expect(screen.getByText("Your chats will appear here.")).toBeTruthy();
    expect(screen.queryByText("No archived chats.")).toBeNull();
  });

  it("loads more at the end of the list, and not after a failure", async () => {
    const seen: (() => void)[] = [];
    const disconnect = vi.fn();
    class Observer {
      constructor(see: (entries: object[]) => void) {
        seen.push(() => see([{ isIntersecting: false }, { isIntersecting: true }]));
      }
      observe = () => {};
      disconnect = disconnect;
    }
    vi.stubGlobal("IntersectionObserver", Observer);
    await show(["Ice", "Salt", "Snow"], { limit: 1 });
    await act(async () => seen.at(-1)?.());
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    bench.server.faults = [{}];
    await act(async () => seen.at(-1)?.());
    await act(settle);
    const { length } = seen;
    expect(disconnect).toHaveBeenCalledTimes(length);
    expect(names()).toEqual(["Ice", "Salt"]);
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt", "Snow"]);
    vi.unstubAllGlobals();
  });

  it("goes on with the first row that came, when the last have come and the button goes", async () => {
    await show(["Ice", "Salt", "Snow", "Hail", "Rime"], { limit: 2 });
    const button = screen.getByRole("button", { name: "Show more" });
    button.focus();
    fireEvent.click(button);
    expect([button.textContent, button.getAttribute("aria-disabled")]).toEqual(["Loading…", "true"]);
    await act(settle);
    expect(names()).toHaveLength(4);
    expect(document.activeElement).toBe(button);
    fireEvent.click(button);
    await act(settle);
    expect(button.isConnected).toBe(false);
    expect(document.activeElement).toBe(row("Rime"));
  });

  it("shows more on request", async () => {
    await show(["Ice", "Salt", "Snow"], { limit: 2 });
    fireEvent.click(screen.getByRole("button", { name: "Show more" }));
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt", "Snow"]);
    expect(screen.queryByRole("button", { name: "Show more" })).toBeNull();
  });
});

describe("in a shadow root", () => {
  let host: HTMLElement;
  let inside: HTMLElement;
  beforeEach(() => {
    host = document.body.appendChild(document.createElement("div"));
    inside = host.attachShadow({ mode: "open" }).appendChild(document.createElement("div"));
  });
  afterEach(() => host.remove());
  const focused = () => host.shadowRoot?.activeElement;

  it("stays open at a click inside, and closes by one elsewhere in the page", async () => {
    await show(["Ice"], { variant: "dropdown" }, inside);
    const toggle = within(inside).getByRole("button", { name: "Chats" });
    fireEvent.click(toggle);
    await act(settle);
    const field = within(inside).getByRole("searchbox");
    expect(focused()).toBe(field);
    // As a browser says it to the document; happy-dom would name the field itself as the target.
    const click = new Event("pointerdown", { bubbles: true });
    click.composedPath = () => [field, inside, host, document.body, document];
    act(() => void host.dispatchEvent(click));
    expect(toggle.getAttribute("aria-expanded")).toBe("true");
    fireEvent.keyDown(field, { key: "Escape" });
    expect(focused()).toBe(toggle);
    fireEvent.click(toggle);
    await act(settle);
    fireEvent.pointerDown(document.body);
    expect(toggle.getAttribute("aria-expanded")).toBe("false");
  });

  it("leaves the focus in a title that is being typed when the list changes", async () => {
    await show(["Ice"], {}, inside);
    const name = within(inside).getByRole("button", { name: /^Ice/ });
    name.focus();
    fireEvent.keyDown(name, { key: "F2" });
    const field = within(inside).getByRole("textbox", { name: "Title" });
    expect(focused()).toBe(field);
    fireEvent.change(field, { target: { value: "Sno" } });
    const { id } = bench.server.start("", ["Salt?"]);
    bench.server.changeSession(id, { title: "Salt" });
    document.dispatchEvent(new Event("visibilitychange"));
    await act(settle);
    await act(settle);
    expect(within(inside).getByRole("button", { name: /^Salt/ })).toBeTruthy();
    expect(focused()).toBe(field);
  });
});

describe("the dropdown", () => {
  it("stays open at an Escape that is an input method's", async () => {
    await show(["Ice"], { variant: "dropdown" });
    fireEvent.click(screen.getByRole("button", { name: "Chats" }));
    await act(settle);
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Escape", isComposing: true });
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Escape", keyCode: 229 });
    expect(screen.queryByRole("searchbox")).not.toBeNull();
  });

  it("opens where there is no matchMedia, as in jsdom", async () => {
    vi.stubGlobal("matchMedia", undefined);
    await show(["Ice"], { variant: "dropdown" });
    fireEvent.click(screen.getByRole("button", { name: "Chats" }));
    await act(settle);
    vi.unstubAllGlobals();
    expect(document.activeElement).toBe(screen.getByRole("searchbox"));
  });

  it("opens on the search box, closes by Escape, by a click elsewhere and by a choice", async () => {
    await show(["Ice"], { variant: "dropdown" });
    const toggle = screen.getByRole("button", { name: "Chats" });
    const open = async () => {
      fireEvent.click(toggle);
      await act(settle);
      expect(document.activeElement).toBe(screen.getByRole("searchbox"));
    };
    await open();
    expect(fireEvent.keyDown(screen.getByRole("searchbox"), { key: "a" })).toBe(true);
    // A dialog of the host's around it stays.
    expect(fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Escape" })).toBe(false);
    expect(fireEvent.keyDown(toggle, { key: "Escape" })).toBe(true);
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

  it("opens on the chats where a field would bring a keyboard onto the screen", async () => {
    const media = vi.spyOn(window, "matchMedia");
    media.mockImplementation((query) => ({ matches: query === "(pointer: coarse)" }) as MediaQueryList);
    await show(["Ice"], { variant: "dropdown" });
    fireEvent.click(screen.getByRole("button", { name: "Chats" }));
    await act(settle);
    expect(document.activeElement?.className).toBe("dcs-history-groups");
    fireEvent.keyDown(document.activeElement as Element, { key: "Escape" });
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Chats" }));
    media.mockRestore();
  });

  it("stays until what was chosen is there, and takes the focus from nobody who has gone on", async () => {
    await show(["Ice", "Salt"], { variant: "dropdown" });
    const toggle = screen.getByRole("button", { name: "Chats" });
    fireEvent.click(toggle);
    await act(settle);
    bench.server.hold();
    fireEvent.click(row("Ice"));
    await act(settle);
    expect(row("Ice").getAttribute("aria-busy")).toBe("true");
    await act(async () => bench.server.release());
    await act(settle);
    expect(screen.queryByRole("navigation")).toBeNull();
    expect(document.activeElement).toBe(toggle);
    fireEvent.click(toggle);
    await act(settle);
    bench.server.hold();
    fireEvent.click(row("Salt"));
    fireEvent.pointerDown(screen.getByText("Elsewhere"));
    act(() => screen.getByText("Elsewhere").focus());
    await act(async () => bench.server.release());
    await act(settle);
    expect(document.activeElement).toBe(screen.getByText("Elsewhere"));
  });

  it("takes the focus from nobody who has tabbed on while what was chosen is loading", async () => {
    await show(["Ice"], { variant: "dropdown" });
    fireEvent.click(screen.getByRole("button", { name: "Chats" }));
    await act(settle);
    bench.server.hold();
    fireEvent.click(row("Ice"));
    await act(settle);
    act(() => screen.getByText("Elsewhere").focus());
    await act(async () => bench.server.release());
    await act(settle);
    expect(document.activeElement).toBe(screen.getByText("Elsewhere"));
  });

  it("closed and opened again, it still has the way back", async () => {
    await show(["Ice", "Salt"], { variant: "dropdown" });
    const toggle = screen.getByRole("button", { name: "Chats" });
    fireEvent.click(toggle);
    await act(settle);
    choose("Ice", "Delete");
    await act(settle);
    fireEvent.click(toggle);
    fireEvent.click(toggle);
    await act(settle);
    expect(toggle.getAttribute("aria-controls")).toBe(screen.getByRole("navigation", { name: "Chats" }).id);
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    // Where the pointer goes down when it is closed is nobody's business.
    fireEvent.click(toggle);
    act(() => screen.getByText("Elsewhere").focus());
    fireEvent.pointerDown(document.body);
    expect(document.activeElement).toBe(screen.getByText("Elsewhere"));
    expect(toggle.hasAttribute("aria-controls")).toBe(false);
  });

  it("keeps a title that was typed when a click elsewhere closes it", async () => {
    await show(["Ice"], { variant: "dropdown" });
    fireEvent.click(screen.getByRole("button", { name: "Chats" }));
    await act(settle);
    choose("Ice", "Rename");
    fireEvent.change(screen.getByLabelText("Title"), { target: { value: "Snow" } });
    fireEvent.pointerDown(screen.getByText("Elsewhere"));
    await act(settle);
    expect(screen.queryByRole("navigation")).toBeNull();
    expect(bench.server.sessions[0]?.title).toBe("Snow");
  });

  it("is not closed by the Escape that closes a menu", async () => {
    await show(["Ice"], { variant: "dropdown" });
    fireEvent.click(screen.getByRole("button", { name: "Chats" }));
    await act(settle);
    fireEvent.click(more("Ice"));
    fireEvent.keyDown(screen.getByRole("menuitem", { name: "Pin" }), { key: "Escape" });
    expect(screen.queryByRole("menu")).toBeNull();
    expect(screen.getByRole("navigation")).toBeTruthy();
  });
});

describe("days", () => {
  const local = (...parts: [number, number, number, number?]) =>
    new Date(...(parts as [number, number, number])).getTime();

  it("are the reader's calendar days", () => {
    const now = local(2026, 10, 22) + 60_000;
    const at = (time: number) => ({ ...bench.server.start(), last_message_at: new Date(time).toISOString() });
    const days = [1, 7].flatMap((ago) => [startOfDay(now, ago), startOfDay(now, ago) - 1]);
    const times = [now, startOfDay(now, 0), startOfDay(now, 0) - 1, ...days];
    const groups = groupsOf(times.map(at), now);
    expect(groups.map(({ key, sessions }) => [key, sessions.length])).toEqual([
      ["today", 2],
      ["yesterday", 2],
      ["week", 2],
      ["older", 1],
    ]);
  });

  it("are counted by the calendar over a change of clocks", () => {
    for (let day = 1; day <= 365; day += 1) {
      const noon = local(2026, 0, day) + 43_200_000;
      expect(new Date(startOfDay(noon, 1)).getHours()).toBe(0);
    }
  });

  it("have pinned ones before them, but not among the archived", () => {
    const now = local(2026, 10, 22) + 60_000;
    const time = new Date(now).toISOString();
    const session = { ...bench.server.start(), last_message_at: time, pinned_at: time };
    expect(groupsOf([session], now)[0]?.key).toBe("pinned");
    expect(groupsOf([{ ...session, archived_at: time }], now)[0]?.key).toBe("today");
  });

  it("are said as time, weekday or date", () => {
    const time = new Date(2026, 10, 22, 9, 5).toISOString();
    const said = (year: number, month: number, day: number) => whenText(time, local(year, month, day), "en-GB", true);
    expect(said(2026, 10, 22)).toBe("09:05");
    expect(said(2026, 10, 23)).toBe("09:05");
    expect(said(2026, 10, 25)).toBe("Sun");
    expect(said(2026, 11, 25)).toBe("22 Nov");
    expect(said(2027, 0, 25)).toBe("22 Nov 2026");
  });

  it.each(["en-US", "en-GB", "de", "fr", "es"])("have the times of their messages in %s", (locale) => {
    const time = new Date(2026, 10, 22, 9, 5).toISOString();
    const today = local(2026, 10, 22);
    expect(whenText(time, today, locale, true)).toBe(momentText(time, locale, today));
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
    "https:\u0000//evil.example",
    "\u0001javascript:alert(1)",
    "https://evil.example\\@example.org",
    "",
  ])("does not follow %j", (url) => {
    expect(safeUrl(url)).toBeNull();
  });

  it("are taken from the metadata, and what is none is left out", () => {
    const given = [
      { title: "A", url: "/a", quote: "q" },
      { title: "B", url: "javascript:x" },
      { title: "", url: " /c " },
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
  // What is left out is never a large part of it.
  expect([90, 3600, 5400, 86_400, 129_600].map((seconds) => durationText(seconds, "en"))).toEqual([
    "90 seconds",
    "1 hour",
    "90 minutes",
    "1 day",
    "36 hours",
  ]);
  // Words of no language that was named are English ones, whatever the browser speaks.
  expect(durationText(300, undefined)).toBe("5 minutes");
  expect([45, 60, 5].map(clockText)).toEqual(["0:45", "1:00", "0:05"]);
});

it.each(["sidebar", "dropdown"] as const)("says in which language it speaks: %s", async (variant) => {
  await show(["Ice"], { variant, words: { locale: "de" } });
  expect(document.querySelector(".dcs")?.getAttribute("lang")).toBe("de");
});

describe("the Delete key", () => {
  it("deletes one chat, however long it is held", async () => {
    await show(["Ice", "Salt", "Snow"]);
    row("Ice").focus();
    for (const repeat of [false, true, true]) {
      fireEvent.keyDown(document.activeElement as Element, { key: "Delete", repeat });
      await act(settle);
    }
    expect(names()).toEqual(["Salt", "Snow"]);
  });

  it("is taken back as often as it was pressed", async () => {
    await show(["Ice", "Salt", "Snow"]);
    for (const title of ["Ice", "Salt"]) {
      fireEvent.keyDown(row(title), { key: "Delete" });
      await act(settle);
    }
    for (const left of [
      ["Salt", "Snow"],
      ["Ice", "Salt", "Snow"],
    ]) {
      fireEvent.keyDown(row("Snow"), { key: "z", ctrlKey: true });
      await act(settle);
      expect(names()).toEqual(left);
    }
    expect(undoBar().textContent).toBe("");
  });

  it.each([
    { key: "Z", code: "KeyZ" },
    { key: "z", code: "KeyZ", ctrlKey: false, metaKey: true },
    { key: "z", code: "KeyY" },
    { key: "я", code: "KeyZ" },
  ])("is taken back by $key where $code is, and nothing else is undone", async (pressed) => {
    await show(["Ice", "Salt"]);
    fireEvent.keyDown(row("Ice"), { key: "Delete" });
    await act(settle);
    expect(fireEvent.keyDown(screen.getByRole("searchbox"), { ctrlKey: true, ...pressed })).toBe(true);
    const isLeftToTheBrowser = fireEvent.keyDown(row("Salt"), { ctrlKey: true, ...pressed });
    await act(settle);
    expect(names()).toEqual(["Ice", "Salt"]);
    expect(isLeftToTheBrowser).toBe(false);
    expect(fireEvent.keyDown(row("Salt"), { ctrlKey: true, ...pressed })).toBe(false);
    expect(fireEvent.keyDown(row("Salt"), { ctrlKey: true, ...pressed, shiftKey: true })).toBe(true);
    expect(fireEvent.keyDown(row("Salt"), { key: "y", code: "KeyZ", ctrlKey: true })).toBe(true);
  });

  it("is answered each time, also to those who listen", async () => {
    await show(["Ice", "Salt", "Snow"]);
    const said = new Set<Element | null>();
    for (const title of ["Ice", "Salt"]) {
      fireEvent.keyDown(row(title), { key: "Delete" });
      await act(settle);
      said.add(undoBar().firstElementChild);
    }
    expect(said.size).toBe(2);
  });
});
