import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { Profiler } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Message } from "../core/index.js";
import { ChatBench, type Tab } from "../core/testing/chatBench.js";
import { ChatProvider } from "../react/index.js";
// So that it comes at once; that it comes later is tested on its own.
import "./ChatHistory.js";
import { ChatWidget, type ChatWidgetProps } from "./ChatWidget.js";
import { sourcesIn } from "./sources.js";
import { startOfDay } from "./useToday.js";
import { momentText } from "./words.js";

vi.mock("./sources.js", { spy: true });

let bench: ChatBench;
let tab: Tab;
beforeEach(() => {
  bench = new ChatBench();
});
afterEach(cleanup);

const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));

async function show(props: ChatWidgetProps = {}) {
  tab = bench.tab();
  const api = bench.api();
  const view = render(
    <ChatProvider store={tab.store} api={api}>
      <ChatWidget {...props} />
    </ChatProvider>,
  );
  await advance(0);
  return view;
}

const field = () => screen.getByLabelText<HTMLTextAreaElement>("Message");
const write = (text: string) => fireEvent.change(field(), { target: { value: text } });
const status = () => document.querySelector(".dcs-status-text")?.textContent;
/** What was said last; for a moment it stands below what was said before. */
const said = () => saidAll().at(-1) ?? "";
const saidAll = () => [...document.querySelectorAll("[aria-live=polite] p")].map((one) => one.textContent);
const ask = async (text: string) => {
  write(text);
  fireEvent.keyDown(field(), { key: "Enter" });
  await advance(0);
};

//
it.each([
  "<script>globalThis.hacked = 1</script>",
  '<img src=x onerror="globalThis.hacked = 1">',
  "\"'><svg onload=alert(1)>",
  "{{7*7}} {% debug %} </script>",
  "[a](javascript:alert(1)) \u202Ereversed",
])("shows %j as text, whoever wrote it", async (text) => {
  bench.server.start("", [text, text]);
  const { container } = await show();
  const rows = [...container.querySelectorAll("article p")].map((row) => row.textContent);
  expect(rows).toEqual([text, text]);
  expect(container.querySelector(".dcs-message-body :is(script, img, svg, a)")).toBeNull();
});

describe("the main flow", () => {
  it("greets, takes a question, follows the answer and says when it is ready", async () => {
    await show({ title: "Water", greeting: "Ask about ice", placeholder: "Ask…" });
    expect(screen.getByRole("region", { name: "Water" })).toBeTruthy();
    expect(screen.getByText("Ask about ice")).toBeTruthy();
    expect(field().placeholder).toBe("Ask…");
    expect(status()).toBe("New chat");
    expect(saidAll()).toEqual([]);
    await ask("Why does ice float?");
    expect(field().value).toBe("");
    expect(screen.getByRole("log").getAttribute("aria-busy")).toBe("true");
    expect(status()).toBe("Thinking…");
    bench.server.write("Because it is");
    await advance(400);
    expect(status()).toBe("Writing an answer…");
    expect(said()).toBe("Thinking…");
    expect(screen.queryByRole("button", { name: "Copy" })).toBeNull();
    bench.server.finish("Because it is lighter.\n\nSee [1].");
    await advance(1000);
    expect(screen.getByRole("log").getAttribute("aria-busy")).toBe("false");
    expect(said()).toBe("Answer ready");
    expect(screen.getByText("See [1].").tagName).toBe("P");
    const names = screen.getAllByRole("article").map((row) => within(row).getByRole("heading").textContent);
    expect(names).toEqual(["You", "Assistant"]);
    expect(status()).toBe("Active");
  });

  it("welcomes back, warns, keeps, and loses nothing on expiry", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    expect(status()).toBe("Welcome back, your chat is still here");
    await advance(255_000);
    expect(status()).toBe("This chat pauses in 0:45");
    fireEvent.click(screen.getByRole("button", { name: "Keep this chat" }));
    await advance(0);
    expect(status()).toBe("Active");
    expect(said()).toBe("Chat continued");
    write("half a thought");
    await advance(333_000);
    expect(status()).toBe("This chat paused after 5 minutes without activity");
    expect(said()).toBe("This chat paused after 5 minutes without activity. Your next message starts a new chat.");
    expect(screen.getByText("Because.")).toBeTruthy();
    expect(field().value).toBe("half a thought");
    fireEvent.click(screen.getByRole("button", { name: "Continue this chat" }));
    await advance(0);
    expect(status()).toBe("Chat continued");
  });

  it("speaks the countdown only now and then", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await advance(245_000);
    const spoken = new Set<string | null | undefined>();
    for (let second = 0; second < 54; second += 1) {
      await advance(1000);
      spoken.add(said());
    }
    expect(spoken.size).toBe(3);
  });

  it("tells of the new chat, and goes back to the previous one", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await advance(720_000);
    await ask("And then?");
    const line = "New chat started: 12 minutes without activity";
    expect(within(screen.getByRole("log")).getByText(line)).toBeTruthy();
    expect(saidAll().slice(-2)).toEqual([line, "Thinking…"]);
    fireEvent.click(screen.getByRole("button", { name: "Continue the previous one" }));
    await advance(0);
    expect(status()).toBe("Chat continued");
    expect(said()).toBe("Chat continued");
    expect(screen.queryByText("And then?")).toBeNull();
  });

  it("offers the previous chat to whoever comes back too late", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await bench.timers.advance(720_000);
    await show();
    expect(screen.getByText("Your next message starts a new chat.")).toBeTruthy();
    fireEvent.click(screen.getByRole("button", { name: "Continue the previous chat" }));
    await advance(0);
    expect(screen.getByText("Because.")).toBeTruthy();
  });

  it("starts a new chat on request", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    fireEvent.click(screen.getByRole("button", { name: "New chat" }));
    await advance(0);
    expect(screen.queryByText("Because.")).toBeNull();
    expect(status()).toBe("New chat");
  });
});

describe("the composer", () => {
  it("sends on Enter alone, and never while an input method composes", async () => {
    await show();
    write("にほん");
    for (const held of ["shiftKey", "ctrlKey", "altKey", "metaKey"])
      fireEvent.keyDown(field(), { key: "Enter", [held]: true });
    fireEvent.keyDown(field(), { key: "Enter", isComposing: true });
    fireEvent.keyDown(field(), { key: "Enter", keyCode: 229 });
    await advance(0);
    expect(bench.server.messages).toEqual([]);
    fireEvent.keyDown(field(), { key: "Enter" });
    await advance(0);
    expect(bench.server.messages[0]?.content).toBe("にほん");
  });

  it("says of its button whether there is anything to send, or to stop", async () => {
    await show();
    const isOff = (name: string) => screen.getByRole("button", { name }).getAttribute("aria-disabled");
    expect(isOff("Send")).toBe("true");
    write(" \n");
    expect(isOff("Send")).toBe("true");
    write("Why?");
    expect(isOff("Send")).toBe("false");
    // A press leaves the focus in the field, and a phone's keyboard where it is.
    expect(fireEvent.mouseDown(screen.getByRole("button", { name: "Send" }))).toBe(false);
    await ask("Why?");
    expect(isOff("Stop")).toBe("false");
  });

  it("waits for the answer before it sends again, and keeps what is typed", async () => {
    await show();
    await ask("One");
    write("Two");
    expect(screen.queryByRole("button", { name: "Send" })).toBeNull();
    fireEvent.keyDown(field(), { key: "Enter" });
    await advance(0);
    expect(field().value).toBe("Two");
    bench.server.finish("Done.");
    await advance(2000);
    fireEvent.click(screen.getByRole("button", { name: "Send" }));
    await advance(0);
    expect(bench.server.messages.map(({ content }) => content)).toContain("Two");
  });

  it("has drafts kept by us alone, who know whose they are, not by the browser as well", async () => {
    await show();
    expect(field().autocomplete).toBe("off");
  });

  it("reports typing as activity, and looking as none", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    tab.page.signal("hidden");
    tab.page.signal("visible");
    fireEvent.focus(field());
    await advance(0);
    expect(bench.server.count("POST", /touch/)).toBe(0);
    await advance(30_000);
    write("W");
    await advance(0);
    expect(bench.server.count("POST", /touch/)).toBe(1);
  });
});

describe("while an answer is written", () => {
  const button = (name: string) => screen.queryByRole<HTMLButtonElement>("button", { name });

  it("the button stops it, is the same element, and leaves the focus where one can go on", async () => {
    await show();
    await ask("Why?");
    bench.server.write("Because it");
    await advance(400);
    const stop = button("Stop");
    stop?.focus();
    fireEvent.click(stop as Element);
    await advance(0);
    expect(within(screen.getByRole("log")).getByText("The answer was stopped.")).toBeTruthy();
    expect(screen.getByText("Because it")).toBeTruthy();
    expect(said()).toBe("The answer was stopped.");
    expect(status()).toBe("Active");
    expect(button("Send")).toBe(stop);
    expect(document.activeElement).toBe(stop);
    // There is nothing to send, and the way leads on to where something can be written.
    fireEvent.click(stop as Element);
    expect(document.activeElement).toBe(field());
  });

  it("the button keeps the focus when there is something to send", async () => {
    await show();
    await ask("Why?");
    write("And then?");
    const stop = button("Stop");
    stop?.focus();
    bench.server.finish("Because.");
    await advance(2000);
    expect(document.activeElement).toBe(stop);
    expect(button("Send")).toBe(stop);
  });

  it("Escape in the field stops it, unless an input method is at work", async () => {
    await show();
    fireEvent.keyDown(field(), { key: "Escape" });
    await ask("Why?");
    fireEvent.keyDown(field(), { key: "Escape", isComposing: true });
    fireEvent.keyDown(field(), { key: "Escape", keyCode: 229 });
    await advance(0);
    expect(bench.server.count("POST", /stop/)).toBe(0);
    fireEvent.keyDown(field(), { key: "Escape" });
    await advance(0);
    expect(bench.server.count("POST", /stop/)).toBe(1);
  });

  it("the second half of a double click on Send does not stop it", async () => {
    await show();
    write("Why?");
    fireEvent.click(button("Send") as Element, { detail: 1 });
    await advance(0);
    fireEvent.click(button("Stop") as Element, { detail: 2 });
    await advance(0);
    expect(bench.server.count("POST", /stop/)).toBe(0);
  });

  it("all that came within one frame is rendered once", async () => {
    bench.server.streams.refusal = null;
    await show();
    await ask("Why?");
    vi.mocked(sourcesIn).mockClear();
    for (let count = 1; count <= 50; count += 1) bench.server.write("so ".repeat(count));
    await advance(0);
    expect(screen.getByText(/^(so ){49}so$/)).toBeTruthy();
    expect(vi.mocked(sourcesIn).mock.calls.length).toBeLessThan(4);
  });
});

describe("answers elsewhere", () => {
  it("are announced once, and have a dot in the history until they are read", async () => {
    bench.server.streams.refusal = null;
    await show({ history: "sidebar", historyScope: null });
    await bench.api().sendMessage({ scope: "b", content: "Elsewhere", key: "phone-key-1" });
    await advance(0);
    const row = () => screen.getByRole("button", { name: /^Elsewhere/ });
    await waitFor(row);
    expect(within(row()).queryByText("New answer")).toBeNull();
    bench.server.finish("There.");
    await advance(0);
    await waitFor(() => within(row()).getByText("New answer"));
    expect(said()).toBe("New answer in another chat");
    fireEvent.click(row());
    await advance(0);
    expect(within(row()).queryByText("New answer")).toBeNull();
    expect(bench.server.sessions[0]?.unread).toBe(false);
  });

  it("are announced once, whatever the host renders", async () => {
    bench.server.streams.refusal = null;
    tab = bench.tab();
    const api = bench.api();
    const page = (title: string) => (
      <ChatProvider store={tab.store} api={api}>
        <ChatWidget words={{ title }} />
      </ChatProvider>
    );
    const { rerender } = render(page("One"));
    await advance(0);
    await bench.api().sendMessage({ scope: "b", content: "Elsewhere", key: "phone-key-1" });
    await advance(1000);
    bench.server.finish("There.");
    await advance(1000);
    const before = document.querySelector("[aria-live=polite] p");
    expect(before?.textContent).toBe("New answer in another chat");
    rerender(page("Two"));
    await advance(0);
    expect(document.querySelector("[aria-live=polite] p")).toBe(before);
  });

  it("are not read where there is no widget on the page any more", async () => {
    bench.server.streams.refusal = null;
    tab = bench.tab();
    const api = bench.api();
    const page = (isThere: boolean) => (
      <ChatProvider store={tab.store} api={api}>
        {isThere && <ChatWidget />}
      </ChatProvider>
    );
    const { rerender } = render(page(true));
    await advance(0);
    await ask("Why?");
    rerender(page(false));
    bench.server.finish("Because.");
    await advance(5000);
    expect(bench.server.count("POST", /read$/)).toBe(0);
    rerender(page(true));
    await advance(0);
    expect(bench.server.count("POST", /read$/)).toBe(1);
  });
});

describe("a message whose answer was lost", () => {
  beforeEach(() => {
    bench.server.streams.refusal = null;
  });

  const loseAnswer = async () => {
    bench.server.faults = [{ afterwards: true }];
    bench.server.holdAnswers();
    await ask("Why?");
    bench.server.write("Be");
    await advance(0);
    bench.server.finish("Because.");
    await advance(0);
    bench.server.release();
    await advance(5000);
    expect(screen.getByText("Because.")).toBeTruthy();
  };

  // W-10
  it("has its own reply announced, the first of a chat too, and not one in another chat", async () => {
    await show();
    await loseAnswer();
    expect(saidAll()).toEqual(["Answer ready"]);
  });

  it("has its reply announced although nobody saw it being written", async () => {
    bench.server.start("", ["What?", "That."]);
    await show();
    await loseAnswer();
    expect(saidAll()).toEqual(["Answer ready"]);
  });

  it("is no answer to whoever reads an older chat meanwhile", async () => {
    bench.server.start("", ["An old question", "An old answer"]);
    await advance(6 * 60_000);
    await show({ history: "sidebar" });
    bench.server.offline = true;
    await ask("Why?");
    bench.server.offline = false;
    fireEvent.click(screen.getByRole("button", { name: /An old answer/ }));
    await advance(0);
    expect(screen.getByText("You are reading an older chat.")).toBeTruthy();
    expect(saidAll()).not.toContain("Answer ready");
  });
});

describe("a tab that only watches", () => {
  it("hears of each answer, and is not welcomed back after it", async () => {
    bench.server.streams.refusal = null;
    bench.server.start("", ["Why?", "Because."]);
    await show();
    for (const question of ["And now?", "And then?"]) {
      await bench.api().sendMessage({ scope: "", content: question, key: `phone-key-${question.length}` });
      await advance(1000);
      expect(said()).toBe("Thinking…");
      bench.server.finish("So it is.");
      await advance(1000);
      expect(status()).toBe("Welcome back, your chat is still here");
      expect(said()).toBe("Answer ready");
      expect(saidAll()).not.toContain(status());
    }
  });

  it("hears once that its chat was continued, and not after each answer again", async () => {
    bench.server.streams.refusal = null;
    const { id } = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(id, { state: "ended", end_reason: "user" });
    await show();
    await act(() => tab.store.reopen(id));
    expect(said()).toBe("Chat continued");
    await bench.api().sendMessage({ scope: "", content: "And now?", key: "phone-key" });
    await advance(1000);
    expect(said()).toBe("Thinking…");
    bench.server.finish("So it is.");
    await advance(1000);
    expect(status()).toBe("Chat continued");
    expect(saidAll().slice(-2)).toEqual(["Thinking…", "Answer ready"]);
  });
});

describe("trouble", () => {
  it("keeps the words while offline", async () => {
    await show();
    bench.server.offline = true;
    act(() => tab.page.signal("offline"));
    await ask("Still here?");
    expect(status()).toBe("Offline – your words are kept");
    expect(within(screen.getByRole("log")).getByText("Waiting for the connection…")).toBeTruthy();
    expect(said()).toBe("Waiting for the connection…");
    await ask("And now?");
    const announced = document.querySelector("[aria-live=polite]")?.firstElementChild;
    fireEvent.click(screen.getAllByRole("button", { name: "Edit" }).at(-1) as HTMLElement);
    expect(field().value).toBe("And now?");
    expect(document.querySelector("[aria-live=polite]")?.firstElementChild).toBe(announced);
    bench.server.offline = false;
    act(() => tab.page.signal("online"));
    await advance(0);
    expect(status()).toBe("Thinking…");
    expect(screen.getAllByText("Still here?")).toHaveLength(1);
  });

  it("says reconnecting when only the server is away", async () => {
    await show();
    await ask("Why?");
    bench.server.write("Be");
    await advance(400);
    bench.server.offline = true;
    await advance(10_000);
    expect(status()).toBe("Reconnecting…");
    expect(within(screen.getByRole("log")).getByText(/^Connection lost/).className).toBe("");
    bench.server.offline = false;
    await advance(5000);
    expect(status()).toBe("Writing an answer…");
  });

  it("shows the sentence of a refusal, with a way on", async () => {
    await show();
    await ask("forbidden words");
    expect(screen.getByRole("alert").textContent).toContain("content must not say that.");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await advance(0);
    fireEvent.click(screen.getByRole("button", { name: "Edit" }));
    expect(field().value).toBe("forbidden words");
    expect(screen.queryByRole("article")).toBeNull();
  });

  it.each(["Continue this chat", "Send in the current chat"])("after an end elsewhere: %s", async (choice) => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await bench.api().startSession({});
    await ask("Where am I?");
    const alert = screen.getByRole("alert");
    expect(alert.textContent).toContain("This chat has ended. Where should");
    expect(screen.queryByText("Your next message starts a new chat.")).toBeNull();
    fireEvent.click(within(alert).getByRole("button", { name: choice }));
    await advance(0);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(bench.server.messages.map(({ content }) => content)).toContain("Where am I?");
  });

  it("says why a message has to wait", async () => {
    await show();
    const body = JSON.stringify({ code: "too_many_messages", message: "Wait for a minute.", field: null });
    bench.server.faults = [{ status: 429, body, retryAfter: "60" }];
    await ask("Why?");
    expect(document.querySelector("[data-state=queued] .dcs-note")?.textContent).toContain("Wait for a minute.");
    expect(screen.getByRole("alert").textContent).toContain("Wait for a minute.");
    await advance(61_000);
    expect(document.querySelector("[data-state=queued]")).toBeNull();
  });

  it("says that a chat is gone, and not to try again", async () => {
    await show();
    await act(() => tab.store.open("nobody's"));
    expect(screen.getByRole("alert").textContent).toContain("This chat is gone");
    expect(within(screen.getByRole("alert")).queryByRole("button", { name: "Try again" })).toBeNull();
  });

  it("offers to ask again when an answer failed", async () => {
    await show();
    await ask("Why?");
    bench.server.finish("", "failed", "The model is away.");
    await advance(1000);
    expect(within(screen.getByRole("log")).getByText("The model is away.")).toBeTruthy();
    expect(said()).toBe("The model is away.");
    expect(screen.queryByRole("button", { name: "Copy" })).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Ask again" }));
    await advance(0);
    expect(status()).toBe("Thinking…");
    expect(within(screen.getByRole("log")).queryByText("The model is away.")).toBeNull();
    expect(bench.server.messages.map(({ content, attempt }) => [content, attempt])).toEqual([
      ["Why?", 0],
      ["", 2],
    ]);
  });

  it("offers to ask again only for the last of all, and once", async () => {
    await show();
    for (const question of ["Why?", "And why?"]) {
      await ask(question);
      bench.server.finish("Half of", "interrupted");
      await advance(2000);
    }
    const [again, ...others] = screen.getAllByRole("button", { name: "Ask again" });
    expect(others).toEqual([]);
    bench.server.faults = [{}];
    bench.server.hold();
    for (const _ of [1, 2]) fireEvent.click(again as Element);
    expect(again?.getAttribute("aria-disabled")).toBe("true");
    await act(async () => bench.server.release());
    await advance(0);
    expect(again?.getAttribute("aria-disabled")).toBe("false");
    fireEvent.click(again as Element);
    await advance(0);
    expect(bench.server.count("POST", /retry/)).toBe(2);
  });

  it("says when something did not work of which it knows no more, and tries again", async () => {
    bench.server.faults = [{ status: 403 }];
    await show();
    expect(screen.getByRole("alert").textContent).toContain("That did not work.");
    fireEvent.click(screen.getByRole("button", { name: "Try again" }));
    await advance(0);
    expect(screen.queryByRole("alert")).toBeNull();
  });
});

describe("a chat that was put away while it was on screen", () => {
  const inLog = (text: string) => within(screen.getByRole("log")).queryByText(text);
  const choose = async (title: RegExp, item: string) => {
    const row = screen.getByRole("button", { name: title }).closest("li") as HTMLElement;
    fireEvent.click(within(row).getByRole("button", { name: /^Options/ }));
    fireEvent.click(within(row).getByRole("menuitem", { name: item }));
    await advance(0);
  };
  const undo = async () => {
    fireEvent.click(screen.getByRole("button", { name: "Undo" }));
    await advance(0);
  };

  it.each(["Delete", "Archive"])("is on screen again and goes on when that is taken back: %s", async (item) => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(id, { title: "Heat" });
    await show({ history: "sidebar" });
    await choose(/^Heat/, item);
    expect(inLog("Because.")).toBeNull();
    await undo();
    expect(inLog("Because.")).toBeTruthy();
    expect(status()).toBe("Chat continued");
  });

  it("is read again when it was an older one", async () => {
    const old = bench.server.start("", ["Old question", "Old answer"]);
    bench.server.changeSession(old.id, { title: "Ice", state: "ended", end_reason: "user" });
    await show({ history: "sidebar" });
    fireEvent.click(screen.getByRole("button", { name: /^Ice/ }));
    await advance(0);
    await choose(/^Ice/, "Delete");
    await undo();
    expect(inLog("Old answer")).toBeTruthy();
    expect(screen.getByText("You are reading an older chat.")).toBeTruthy();
  });

  it("does not take the place of one that was begun meanwhile", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(id, { title: "Heat" });
    await show({ history: "sidebar" });
    await choose(/^Heat/, "Delete");
    await ask("Another?");
    await undo();
    expect(screen.getByRole("button", { name: /^Heat/ })).toBeTruthy();
    expect(inLog("Another?")).toBeTruthy();
  });
});

describe("an older chat", () => {
  it("is read-only until continued, and left again", async () => {
    const old = bench.server.start("", ["Old question", "Old answer"]);
    bench.server.changeSession(old.id, { title: "Ice", state: "ended", end_reason: "user" });
    await show({ history: "sidebar" });
    fireEvent.click(screen.getByRole("button", { name: /^Ice/ }));
    await advance(0);
    expect(screen.getByText("You are reading an older chat.")).toBeTruthy();
    expect(screen.queryByLabelText("Message")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Back to the current chat" }));
    await advance(0);
    expect(within(screen.getByRole("log")).queryByText("Old answer")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: /^Ice/ }));
    await advance(0);
    fireEvent.click(screen.getByRole("button", { name: "Continue this chat" }));
    await advance(0);
    expect(status()).toBe("Chat continued");
    expect(field()).toBeTruthy();
  });

  it("is gone through to its beginning by keyboard", async () => {
    bench.server.start(
      "",
      Array.from({ length: 120 }, (_, index) => `message ${index}`),
    );
    await show();
    const older = screen.getByRole("button", { name: "Show earlier messages" });
    older.focus();
    fireEvent.click(older);
    await advance(0);
    expect(document.activeElement).toBe(older);
    fireEvent.click(older);
    await advance(0);
    expect(screen.getByText("message 0")).toBeTruthy();
    expect(document.activeElement).toBe(screen.getByRole("log"));
  });

  it("leaves the focus with who has gone on while its first messages come", async () => {
    bench.server.start(
      "",
      Array.from({ length: 60 }, (_, index) => `message ${index}`),
    );
    await show();
    fireEvent.click(screen.getByRole("button", { name: "Show earlier messages" }));
    field().focus();
    await advance(0);
    expect(document.activeElement).toBe(field());
  });

  it("loads earlier messages on request", async () => {
    bench.server.start(
      "",
      Array.from({ length: 60 }, (_, index) => `message ${index}`),
    );
    await show();
    expect(screen.queryByText("message 0")).toBeNull();
    fireEvent.click(screen.getByRole("button", { name: "Show earlier messages" }));
    expect(screen.getByRole("button", { name: "Loading…" }).getAttribute("aria-disabled")).toBe("true");
    await advance(0);
    expect(screen.getByText("message 0")).toBeTruthy();
    expect(screen.queryByRole("button", { name: "Show earlier messages" })).toBeNull();
  });
});

describe("rendering", () => {
  it("renders only the row of the reply while it is written", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await ask("And?");
    expect(screen.getAllByRole("article")).toHaveLength(4);
    // Every row looks for its sources exactly once when it renders.
    vi.mocked(sourcesIn).mockClear();
    bench.server.write("So");
    await advance(400);
    bench.server.write("So it goes");
    await advance(600);
    expect(screen.getByText("So it goes")).toBeTruthy();
    expect(sourcesIn).toHaveBeenCalledTimes(2);
  });

  it("does not render the transcript for typing or for the countdown", async () => {
    bench.server.start("", ["Why?", "Because."]);
    let commits = 0;
    tab = bench.tab();
    render(
      <ChatProvider store={tab.store}>
        <Profiler
          id="widget"
          onRender={() => {
            commits += 1;
          }}
        >
          <ChatWidget />
        </Profiler>
      </ChatProvider>,
    );
    await advance(241_000);
    const before = commits;
    for (let second = 0; second < 5; second += 1) await advance(1000);
    expect(commits - before).toBe(5);
  });

  it("uses no inline style or script, so that a strict policy holds", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const { container } = await show({ history: "dropdown" });
    expect(container.querySelectorAll("script, style")).toHaveLength(0);
    const html = renderToString(
      <ChatProvider api={bench.api()}>
        <ChatWidget history="sidebar" />
      </ChatProvider>,
    );
    expect(html).not.toMatch(/ style=|<script|<style/);
    expect(html).toContain("Loading…");
  });

  it("speaks our words where the host has given none", async () => {
    const given: Record<string, unknown> = { title: undefined, statusExpiring: undefined, send: "Ask" };
    bench.server.start("", ["Why?", "Because."]);
    await show({ words: given });
    expect(screen.getByRole("heading", { name: "Chat" })).toBeTruthy();
    expect(screen.getByRole("button", { name: "Ask" })).toBeTruthy();
    await advance(245_000);
    expect(status()).toMatch(/^This chat pauses in /);
  });

  it("says the date of a message from midnight on", async () => {
    const [late, next] = [new Date(2026, 10, 27, 23, 57), new Date(2026, 10, 28, 0, 0)];
    vi.useFakeTimers({ now: late, toFake: ["Date", "setTimeout", "clearTimeout"] });
    bench.server.start("", ["Why?"]);
    for (const message of bench.server.messages) message.created_at = late.toISOString();
    await show({ words: { locale: "en-GB" } });
    const time = () => document.querySelector("article time")?.textContent;
    expect(time()).toBe("23:57");
    await act(() => vi.advanceTimersByTimeAsync(next.getTime() - late.getTime() + 1000));
    vi.useRealTimers();
    expect(time()).toBe("27 Nov 2026, 23:57");
  });

  it.each([
    ["", undefined],
    ["en-US.UTF-8", undefined],
    ["de_AT", "de-AT"],
    ["zh_Hans_CN", "zh-Hans-CN"],
    ["de-AT", "de-AT"],
  ])("says times although the locale is %j", async (locale, used) => {
    bench.server.start("", ["Why?", "Because."]);
    await show({ words: { locale } });
    const { created_at } = bench.server.messages[0] as Message;
    expect(document.querySelector("article time")?.textContent).toBe(
      momentText(created_at, used, startOfDay(Date.now(), 0)),
    );
  });

  it("says the date of a message on the morning after a night's sleep", async () => {
    const late = new Date(2026, 10, 27, 22, 0);
    vi.useFakeTimers({ now: late, toFake: ["Date", "setTimeout", "clearTimeout"] });
    bench.server.start("", ["Why?"]);
    for (const message of bench.server.messages) message.created_at = late.toISOString();
    await show({ words: { locale: "en-GB" } });
    // Timers sleep too: none of their time has passed.
    vi.setSystemTime(new Date(2026, 10, 28, 8, 0));
    await act(() => vi.advanceTimersByTimeAsync(60_000));
    vi.useRealTimers();
    expect(document.querySelector("article time")?.textContent).toBe("27 Nov 2026, 22:00");
  });

  it("speaks the host's words, and says in which language", async () => {
    const { container } = await show({ words: { statusNew: "Neuer Chat", send: "Senden", locale: "de" } });
    expect(container.querySelector("[lang]")?.getAttribute("lang")).toBe("de");
    expect(status()).toBe("Neuer Chat");
    expect(screen.getByRole("button", { name: "Senden" })).toBeTruthy();
  });
});

it("leaves a slash to what is edited in a slot", async () => {
  const slots = { Notice: () => <div contentEditable suppressContentEditableWarning data-testid="note" /> };
  await show({ slots });
  expect(fireEvent.keyDown(screen.getByTestId("note"), { key: "/" })).toBe(true);
  expect(fireEvent.keyDown(screen.getByRole("log"), { key: "/" })).toBe(false);
});
