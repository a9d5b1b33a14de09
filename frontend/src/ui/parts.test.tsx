import { act, cleanup, fireEvent, render, screen, waitFor, within } from "@testing-library/react";
import { type ComponentType, Profiler, Suspense } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import type { Boundary, ChatProblem, ChatSnapshot, ChatStore, PendingMessage } from "../core/index.js";
import { ChatBench, type Tab } from "../core/testing/chatBench.js";
import { ChatProvider } from "../react/index.js";
import { BoundaryNotice } from "./BoundaryNotice.js";
import { ChatNotice } from "./ChatNotice.js";
import { ChatWidget, type ChatWidgetProps } from "./ChatWidget.js";
import { Paragraphs } from "./MessageRow.js";
import { PendingRow } from "./PendingRow.js";
import { SessionStatus } from "./SessionStatus.js";
import { SourceList } from "./SourceList.js";
import type { ChatSlots } from "./slots.js";
import { useLoaded } from "./useLoaded.js";
import { useStickToLatest } from "./useStickToLatest.js";

let bench: ChatBench;
let tab: Tab;
beforeEach(() => {
  bench = new ChatBench();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  cleanup();
});

const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));
const announcer = () => document.querySelector("[aria-live=polite]");
/** What was said last; for a moment it stands below what was said before. */
const said = () => saidAll().at(-1) ?? "";
const saidAll = () => [...(announcer()?.querySelectorAll("p") ?? [])].map(({ textContent }) => textContent);
const status = () => document.querySelector(".dcs-status-text")?.textContent;
const button = (name: string) => screen.getByRole<HTMLButtonElement>("button", { name });
const field = () => screen.getByLabelText<HTMLTextAreaElement>("Message");

async function show(props: ChatWidgetProps = {}) {
  tab = bench.tab();
  const view = render(
    <ChatProvider store={tab.store} api={bench.api()}>
      <ChatWidget {...props} />
    </ChatProvider>,
  );
  await advance(0);
  return view;
}

async function ask(text: string) {
  fireEvent.change(field(), { target: { value: text } });
  fireEvent.keyDown(field(), { key: "Enter" });
  await advance(0);
}

/** A store that shows what the test says. */
function storeOf(changes: Partial<ChatSnapshot>): ChatStore {
  const store = bench.store();
  const snapshot = { ...store.getSnapshot(), ...changes };
  return { ...store, scope: "", getSnapshot: () => snapshot, subscribe: () => () => {}, connect: () => () => {} };
}

/** Answers what says that the content has grown. */
function observeGrowth() {
  let grow = () => {};
  class Observer {
    constructor(seen: () => void) {
      grow = seen;
    }
    observe() {}
    disconnect() {}
  }
  vi.stubGlobal("ResizeObserver", Observer);
  return () => grow();
}

const inside = (store: ChatStore, part: React.ReactNode) => render(<ChatProvider store={store}>{part}</ChatProvider>);

describe("the history inside a widget", () => {
  it("has a place of its own until its code is there, and says nothing to Suspense", async () => {
    tab = bench.tab();
    render(
      <ChatProvider store={tab.store} api={bench.api()}>
        <ChatWidget history="sidebar" />
      </ChatProvider>,
    );
    const nav = screen.getByRole("navigation", { name: "Chats" });
    expect(nav.classList).toContain("dcs-side");
    await screen.findByRole("searchbox");
    expect(nav.isConnected).toBe(false);
    const html = renderToString(
      <ChatProvider api={bench.api()}>
        <ChatWidget history="sidebar" />
      </ChatProvider>,
    );
    expect(html).toContain('<nav class="dcs-history dcs-side" aria-label="Chats">');
    expect(html).not.toContain("<!--$");
  });

  it("opens when it is there, for who could not wait", async () => {
    tab = bench.tab();
    render(
      <ChatProvider store={tab.store} api={bench.api()}>
        <ChatWidget history="dropdown" />
      </ChatProvider>,
    );
    const place = button("Chats");
    fireEvent.click(place);
    await screen.findByRole("searchbox", { name: "Search chats" });
    expect(place.isConnected).toBe(false);
    expect(button("Chats").getAttribute("aria-expanded")).toBe("true");
    await advance(0);
  });
});

it("the history of all scopes is that of the dropdown, too", async () => {
  bench.server.start("elsewhere", ["Salt?"]);
  await show({ history: "dropdown", historyScope: null });
  fireEvent.click(button("Chats"));
  await advance(0);
  expect(await screen.findByText("Salt?")).toBeTruthy();
});

describe("what is loaded late", () => {
  const part = () => Promise.resolve("there");
  function Shown({ load }: { load: () => Promise<string> }) {
    const { value, hasFailed, retry } = useLoaded(load);
    return (
      <button type="button" onClick={retry}>
        {value ?? (hasFailed ? "failed" : "waiting")}
      </button>
    );
  }
  const text = () => screen.getByRole("button").textContent;
  const pass = (milliseconds: number) => act(() => vi.advanceTimersByTimeAsync(milliseconds));

  it.each([
    ["a click", () => fireEvent.click(screen.getByRole("button"))],
    ["the connection", () => fireEvent(window, new Event("online"))],
  ])("is tried again after a failure by %s", async (_, again) => {
    const load = vi.fn(part).mockRejectedValueOnce(new Error()).mockRejectedValueOnce(new Error());
    await act(async () => void render(<Shown load={load} />));
    for (const calls of [1, 2]) {
      expect(text()).toBe("failed");
      expect(load).toHaveBeenCalledTimes(calls);
      await act(async () => void again());
    }
    expect(text()).toBe("there");
    await act(async () => void again());
    expect(load).toHaveBeenCalledTimes(3);
  });

  it("is tried again by itself, ever more seldom, and says so meanwhile", async () => {
    vi.useFakeTimers();
    const load = vi.fn(() => Promise.reject<string>(new Error()));
    const { unmount } = render(<Shown load={load} />);
    await pass(0);
    const at: number[] = [];
    for (let second = 1; second <= 130; second += 1) {
      const before = load.mock.calls.length;
      await pass(1000);
      if (load.mock.calls.length > before) at.push(second);
      expect(text()).toBe("failed");
    }
    expect(at).toEqual([1, 3, 7, 15, 31, 61, 91, 121]);
    load.mockImplementation(part);
    await pass(30_000);
    expect(text()).toBe("there");
    const calls = load.mock.calls.length;
    await pass(120_000);
    unmount();
    expect(load).toHaveBeenCalledTimes(calls);
  });

  it("is not tried again where nobody is any more", async () => {
    vi.useFakeTimers();
    const load = vi.fn(() => Promise.reject<string>(new Error()));
    const { unmount } = render(<Shown load={load} />);
    await pass(0);
    unmount();
    await pass(120_000);
    fireEvent(window, new Event("online"));
    expect(load).toHaveBeenCalledTimes(1);
  });

  it("is not tried again where nobody is any more when it fails", async () => {
    vi.useFakeTimers();
    let fail = () => {};
    const load = vi.fn(() => new Promise<string>((_, reject) => (fail = () => reject(new Error()))));
    const { unmount } = render(<Shown load={load} />);
    unmount();
    await act(async () => fail());
    expect(vi.getTimerCount()).toBe(0);
  });

  it("is not set where nobody is any more", async () => {
    let arrive = (_: string) => {};
    const load = () => new Promise<string>((resolve) => (arrive = resolve));
    const { unmount } = render(<Shown load={load} />);
    unmount();
    await act(async () => arrive("late"));
  });
});

describe("a floating chat", () => {
  const dialog = () => document.querySelector("dialog");
  const open = async () => {
    fireEvent.click(await screen.findByRole("button", { name: /^Open chat/ }));
    await advance(0);
  };

  it("opens from its button, takes the focus, and gives it back when Escape closes it", async () => {
    await show({ layout: "floating", title: "Water" });
    await open();
    expect(screen.getByRole("dialog", { name: "Water" })).toBe(dialog());
    expect(document.activeElement).toBe(field());
    expect(screen.queryByRole("button", { name: "Open chat" })).toBeNull();
    fireEvent.change(field(), { target: { value: "half a thought" } });
    fireEvent.keyDown(field(), { key: "Escape", isComposing: true });
    expect(dialog()?.open).toBe(true);
    fireEvent.keyDown(field(), { key: "Escape" });
    expect(dialog()?.open).toBe(false);
    expect(document.activeElement).toBe(button("Open chat"));
    await open();
    expect(field().value).toBe("half a thought");
    fireEvent.click(button("Close chat"));
    expect(document.activeElement).toBe(button("Open chat"));
  });

  it("has the look and the language that a chat in the page has", async () => {
    await show({ layout: "floating", theme: "dark", words: { locale: "de" } });
    const opener = await screen.findByRole("button", { name: "Open chat" });
    expect(opener.getAttribute("aria-haspopup")).toBe("dialog");
    const { lang, dataset } = opener.closest(".dcs") as HTMLElement;
    expect([lang, dataset.theme]).toEqual(["de", "dark"]);
  });

  it("counts a touch or a key in it as activity", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show({ layout: "floating" });
    await open();
    for (const [at, deed] of [fireEvent.pointerDown, fireEvent.keyDown].entries()) {
      await advance(30_000);
      deed(button("New chat"));
      await advance(0);
      expect(bench.server.count("POST", /touch/)).toBe(at + 1);
    }
  });

  it("is closed by Escape beside it only where it lies upon what has the focus", async () => {
    await show({ layout: "floating" });
    await open();
    const beside = document.body.appendChild(document.createElement("button"));
    let above: Element = beside;
    const at = vi.spyOn(document, "elementFromPoint").mockImplementation(() => above);
    onTestFinished(() => {
      at.mockRestore();
      beside.remove();
    });
    beside.focus();
    fireEvent.keyDown(beside, { key: "Escape" });
    above = field();
    field().focus();
    fireEvent.keyDown(field(), { key: "Escape", isComposing: true });
    expect(dialog()?.open).toBe(true);
    beside.focus();
    // The host has a use for it.
    beside.addEventListener("keydown", (event) => event.preventDefault(), { once: true });
    fireEvent.keyDown(beside, { key: "Escape" });
    expect(dialog()?.open).toBe(true);
    fireEvent.keyDown(beside, { key: "Escape" });
    expect(dialog()?.open).toBe(false);
    expect(document.activeElement).toBe(beside);
  });

  it("opens on what there is where nothing can be written", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(id, { state: "ended", end_reason: "user" });
    await show({ layout: "floating" });
    await act(() => tab.store.open(id));
    await open();
    expect(document.activeElement).toBe(button("New chat"));
  });

  it("stands an Escape that a host sends to its document, which has no place on the page", async () => {
    await show({ layout: "floating" });
    await open();
    const failed = vi.fn((event: ErrorEvent) => event.preventDefault());
    addEventListener("error", failed);
    fireEvent.keyDown(document, { key: "Escape" });
    removeEventListener("error", failed);
    expect(failed).not.toHaveBeenCalled();
    expect(dialog()?.open).toBe(true);
  });

  it("has a field as high as the draft that was kept", async () => {
    const height = vi.spyOn(HTMLElement.prototype, "scrollHeight", "get");
    height.mockImplementation(function (this: HTMLElement) {
      return dialog()?.open ? (this.style.height === "auto" ? 96 : 500) : 0;
    });
    await show({ layout: "floating" });
    act(() => tab.store.setDraft("one\ntwo\nthree"));
    expect(field().style.height).toBe("2px");
    await open();
    // With its border, or it would scroll.
    expect(field().style.height).toBe("98px");
    height.mockRestore();
  });

  it("Escape while a chat is renamed closes neither the chat nor its history", async () => {
    const { id } = bench.server.start("", ["Why?", "Because."]);
    bench.server.changeSession(id, { title: "Heat" });
    await show({ layout: "floating", history: "dropdown" });
    await open();
    fireEvent.click(await screen.findByRole("button", { name: "Chats" }));
    await advance(0);
    fireEvent.keyDown(screen.getByRole("button", { name: /^Heat/ }), { key: "F2" });
    // The browser itself would close a chat that covers the page.
    expect(fireEvent.keyDown(screen.getByLabelText("Title"), { key: "Escape" })).toBe(false);
    expect(screen.queryByLabelText("Title")).toBeNull();
    expect(screen.getByRole("searchbox")).toBeTruthy();
    expect(dialog()?.open).toBe(true);
  });

  it("Escape stops an answer before it closes the chat, and closes a history before that", async () => {
    await show({ layout: "floating", history: "dropdown" });
    await open();
    await ask("Why?");
    fireEvent.keyDown(field(), { key: "Escape" });
    await advance(0);
    expect(bench.server.count("POST", /stop/)).toBe(1);
    expect(dialog()?.open).toBe(true);
    fireEvent.click(await screen.findByRole("button", { name: "Chats" }));
    fireEvent.keyDown(screen.getByRole("searchbox"), { key: "Escape" });
    expect(screen.queryByRole("searchbox")).toBeNull();
    expect(dialog()?.open).toBe(true);
  });

  const answerWhileClosed = async () => {
    await show({ layout: "floating" });
    await open();
    await ask("Why?");
    fireEvent.click(button("Close chat"));
    bench.server.finish("Because.");
    await advance(2000);
    expect(button("Open chat New answer")).toBeTruthy();
  };

  it("marks an answer that came while it was closed, and says so", async () => {
    await answerWhileClosed();
    const region = document.querySelector(".dcs-floating > [role=status]");
    expect(region?.textContent).toBe("Answer ready");
    await open();
    expect(region?.textContent).toBe("");
    await ask("And?");
    bench.server.finish("So.");
    await advance(2000);
    // What was seen is said once, by the chat itself.
    expect([said(), region?.textContent]).toEqual(["Answer ready", ""]);
    fireEvent.click(button("Close chat"));
    expect(button("Open chat")).toBeTruthy();
  });

  it("marks an answer that failed while it was closed, until it is opened", async () => {
    await show({ layout: "floating" });
    await open();
    await ask("Why?");
    fireEvent.click(button("Close chat"));
    bench.server.finish("", "failed", "The model is away.");
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { unread: false });
    await advance(2000);
    expect(button("Open chat New answer")).toBeTruthy();
    await open();
    fireEvent.click(button("Close chat"));
    expect(button("Open chat")).toBeTruthy();
  });

  it("has no news any more when they were read in another tab", async () => {
    await answerWhileClosed();
    await bench.api().markRead(bench.server.sessions[0]?.id ?? "");
    await advance(60_000);
    expect(button("Open chat")).toBeTruthy();
  });

  it("does not count as read what came while it was closed", async () => {
    const read = () => bench.server.count("POST", /read$/);
    bench.server.start("", ["Here?", "Here."]);
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { unread: true });
    const { unmount } = await show({ layout: "floating" });
    expect(await screen.findByRole("button", { name: "Open chat New answer" })).toBeTruthy();
    await advance(60_000);
    expect(read()).toBe(0);
    await open();
    expect(read()).toBe(1);
    fireEvent.click(button("Close chat"));
    await ask("Why?");
    bench.server.finish("Because.");
    await advance(2000);
    expect(read()).toBe(1);
    expect(button("Open chat New answer")).toBeTruthy();
    unmount();
    await advance(1000);
    expect(read()).toBe(1);
    render(
      <ChatProvider store={tab.store} api={bench.api()}>
        <ChatWidget />
      </ChatProvider>,
    );
    await advance(0);
    expect(read()).toBe(2);
  });

  it("that is open is seen after something beside it has come late, too", async () => {
    tab = bench.tab();
    const api = bench.api();
    let come = () => {};
    let late: Promise<void> | null = null;
    const Late = () => {
      if (late) throw late;
      return null;
    };
    const page = () => (
      <Suspense fallback="Wait">
        <ChatProvider store={tab.store} api={api}>
          <ChatWidget layout="floating" />
        </ChatProvider>
        <Late />
      </Suspense>
    );
    const { rerender } = render(page());
    await advance(0);
    await open();
    await ask("Why?");
    late = new Promise((resolve) => {
      come = resolve;
    });
    rerender(page());
    expect(screen.getByText("Wait")).toBeTruthy();
    late = null;
    await act(async () => come());
    await advance(0);
    bench.server.finish("Because.");
    await advance(5000);
    expect(bench.server.count("POST", /read$/)).toBe(1);
  });

  it("that is open is seen in another scope, too", async () => {
    bench.server.start("b", ["There?", "There."]);
    bench.server.changeSession(bench.server.sessions[0]?.id ?? "", { unread: true });
    const stores = [bench.store(), bench.store({ scope: "b" })];
    const App = ({ at }: { at: number }) => (
      <ChatProvider store={stores[at]} api={bench.api()}>
        <ChatWidget layout="floating" />
      </ChatProvider>
    );
    const { rerender } = render(<App at={0} />);
    await advance(0);
    await open();
    rerender(<App at={1} />);
    await advance(0);
    expect(dialog()?.open).toBe(true);
    expect(bench.server.count("POST", /read$/)).toBe(1);
  });

  it("covers a small screen, and nothing behind it can then have the focus", async () => {
    const media = Object.assign(new EventTarget(), { matches: false });
    vi.stubGlobal("matchMedia", () => media);
    const modal = vi.spyOn(HTMLDialogElement.prototype, "showModal").mockImplementation(function (
      this: HTMLDialogElement,
    ) {
      // As in a browser.
      if (this.open) throw new DOMException("open already", "InvalidStateError");
      this.open = true;
    });
    onTestFinished(() => modal.mockRestore());
    const turn = (matches: boolean) => {
      media.matches = matches;
      act(() => void media.dispatchEvent(new Event("change")));
    };
    await show({ layout: "floating" });
    await open();
    button("New chat").focus();
    turn(true);
    expect(modal).toHaveBeenCalledTimes(1);
    turn(false);
    expect(modal).toHaveBeenCalledTimes(1);
    expect([dialog()?.open, document.activeElement]).toEqual([true, button("New chat")]);
    // The back gesture of a phone.
    fireEvent(dialog() as Element, new Event("cancel", { cancelable: true }));
    turn(true);
    expect(dialog()?.open).toBe(false);
  });
});

it.each([null, false, "", "none"])("takes %j for no history and no slots, as JavaScript writes them", async (none) => {
  const props: object = { history: none, slots: none === "none" ? undefined : none };
  await show(props);
  expect(screen.queryByRole("button", { name: "Chats" })).toBeNull();
  expect(screen.getByRole("log")).toBeTruthy();
});

describe("slots", () => {
  const named = (name: string) => () => <p>{name}</p>;
  const slot = <Name extends keyof ChatSlots>(name: Name): Partial<ChatSlots> => ({
    [name]: named(`my ${name}`) as ComponentType<never>,
  });

  it.each(["Header", "Status", "Notice", "Message", "Content", "Composer", "History"] as const)(
    "%s is the host's",
    async (name) => {
      bench.server.start("", ["Why?", "Because."]);
      await bench.timers.advance(720_000);
      const slots = slot(name);
      bench.server.start("", ["And?", "So."]);
      await show({ history: "sidebar", slots });
      expect(screen.getAllByText(`my ${name}`).length).toBeGreaterThan(0);
    },
  );

  it.each(["Greeting", "Launcher"] as const)("%s is the host's", async (name) => {
    await show({ layout: name === "Launcher" ? "floating" : "panel", slots: slot(name) });
    expect(await screen.findByText(`my ${name}`)).toBeTruthy();
  });

  it("Pending and Boundary get what ours get", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show({
      slots: {
        Boundary: ({ boundary }) => <p>{`over after ${boundary.seconds}`}</p>,
        Pending: ({ pending }) => <p>{`sent: ${pending.content}`}</p>,
      },
    });
    await advance(720_000);
    bench.server.hold();
    await ask("And then?");
    expect(screen.getByText("sent: And then?")).toBeTruthy();
    await act(async () => bench.server.release());
    await advance(0);
    expect(screen.getByText("over after 720")).toBeTruthy();
  });
});

describe("the boundary", () => {
  it.each([
    ["idle", "New chat started: 12 minutes without activity"],
    ["user", "New chat started at your request"],
    ["day", "New chat started: a new day"],
    ["max_age", "New chat started: the previous one reached its time limit"],
    ["replaced", "New chat started"],
  ])("says why: %s", (reason, text) => {
    const previous = bench.server.start("", ["Why?"]);
    const boundary: Boundary = { key: "a>b", reason, previous, seconds: 720 };
    const { container } = inside(storeOf({}), <BoundaryNotice boundary={boundary} />);
    expect(container.textContent).toBe(`${text} · Continue the previous one`);
  });
});

describe("what the next message will do", () => {
  const session = (id: string) => ({ ...bench.server.start("", ["Why?"]), id });
  it.each<[ChatSnapshot["status"], boolean, string, string | null]>([
    ["expired", true, "Your next message starts a new chat.Continue this chat", "mine"],
    ["ended", true, "Your next message starts a new chat.Continue this chat", "mine"],
    ["expired", false, "Your next message starts a new chat.Continue the previous chat", "before"],
    ["new", true, "Continue the previous chat", "before"],
    ["new", false, "Continue the previous chat", "before"],
    ["active", true, "", null],
  ])("is said, with the way to go on instead: %s, %s", (status, isShown, text, reopened) => {
    const reopen = vi.fn();
    const store = storeOf({ status, session: isShown ? session("mine") : null, previous: session("before") });
    const { container } = inside({ ...store, reopen }, <ChatNotice />);
    expect(container.textContent).toBe(text);
    for (const way of screen.queryAllByRole("button")) fireEvent.click(way);
    expect(reopen.mock.calls).toEqual(reopened === null ? [] : [[reopened]]);
  });
});

describe("a message on its way", () => {
  const pending = (state: PendingMessage["state"], key = "a"): PendingMessage => ({
    ...{
      key,
      state,
      content: "Words",
      session: null,
      scope: "",
      after: null,
      reader: null,
      tried: false,
      problem: null,
      conflict: null,
    },
  });
  const first = pending("sending");
  it.each<[Partial<ChatSnapshot>, PendingMessage["state"], string]>([
    [{}, "sending", "Sending…"],
    [{ status: "offline" }, "queued", "Waiting for the connection…"],
    [{ status: "reconnecting" }, "sending", "Waiting for the connection…"],
    [{ running: "writing", pending: [pending("queued", "b")] }, "queued", "Waiting for its turn…"],
    [{ pending: [first] }, "queued", "Waiting for its turn…"],
    [{ pending: [pending("queued", "b")] }, "queued", "Sending…"],
    [{ pending: [pending("failed"), pending("queued", "b")] }, "queued", "Sending…"],
  ])("says what it waits for: %j %s", (changes, state, text) => {
    inside(storeOf(changes), <PendingRow pending={pending(state, "b")} />);
    expect(screen.getByText(text)).toBeTruthy();
    expect(screen.getByRole("heading", { name: "You" })).toBeTruthy();
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.queryAllByRole("button").map(({ textContent }) => textContent)).toEqual(
      state === "queued" ? ["Edit"] : [],
    );
  });

  it("cannot be edited once it may have arrived", () => {
    inside(storeOf({}), <PendingRow pending={{ ...pending("queued"), tried: true }} />);
    expect(screen.queryByRole("button", { name: "Edit" })).toBeNull();
  });
});

describe("a message that was not sent", () => {
  const failed = (code: ChatProblem["code"]): PendingMessage => {
    const problem = { code, message: "The server's sentence.", field: null };
    return {
      key: "a",
      state: "failed",
      content: "Words",
      session: null,
      scope: "",
      after: null,
      reader: null,
      tried: true,
      problem,
      conflict: null,
    };
  };

  it.each<[ChatProblem["code"], string, string[]]>([
    ["network", "Not sent.", ["Try again", "Edit"]],
    ["unexpected", "Not sent.", ["Try again", "Edit"]],
    ["too_long", "The server's sentence.", ["Edit"]],
    ["turn_in_progress", "An answer is being written. Try again when it is ready.", ["Try again", "Edit"]],
    // Where there is no chat to go on in.
    ["session_ended", "This chat has ended. Where should this go?", ["Continue this chat", "New chat", "Edit"]],
  ])("offers what can help: %s", (code, text, buttons) => {
    inside(storeOf({}), <PendingRow pending={failed(code)} />);
    expect(screen.getByText(text)).toBeTruthy();
    expect(screen.queryAllByRole("button").map(({ textContent }) => textContent)).toEqual(buttons);
  });
});

describe("something that could not be done", () => {
  it.each<[ChatProblem["code"], string, string[]]>([
    ["network", "That did not work: the server could not be reached.", [""]],
    ["gone", "This chat is gone: deleted, or you are not signed in as before.", [""]],
    ["unexpected", "That did not work.", ["Try again", ""]],
    ["too_many_messages", "Wait.", ["Try again", ""]],
  ])("is said, with what can help: %s", (code, text, buttons) => {
    inside(storeOf({ error: { code, message: "Wait.", field: null } }), <ChatWidget />);
    const banner = screen.getByRole("alert");
    expect(banner.textContent).toContain(text);
    expect(
      within(banner)
        .getAllByRole("button")
        .map(({ textContent }) => textContent),
    ).toEqual(buttons);
  });
});

describe("the status", () => {
  it.each([
    [true, "Offline – your words are kept"],
    [false, "Offline – keep this page open"],
  ])("is honest where nothing outlives the page: %s", (durable, text) => {
    inside(storeOf({ status: "offline", durable }), <SessionStatus />);
    expect(status()).toBe(text);
  });

  it("by itself tells those who listen, and in a widget leaves that to the widget", async () => {
    await show();
    expect(document.querySelectorAll("[aria-live=polite], [role=status]")).toHaveLength(1);
    // A log is a live region, too, unless it says that it is not.
    expect(screen.getByRole("log").getAttribute("aria-live")).toBe("off");
    cleanup();
    inside(storeOf({ status: "active" }), <SessionStatus />);
    expect(document.querySelectorAll("[aria-live]")).toHaveLength(1);
  });

  it.each<[Partial<ChatSnapshot>, string, string[]]>([
    [{ status: "active" }, "check", []],
    [{ status: "active", running: "writing" }, "spark", []],
    [{ status: "active", running: "reconnecting" }, "offline", []],
    [{ status: "offline" }, "offline", []],
    [{ status: "expiring" }, "clock", ["Keep this chat"]],
    // It does not pause while an answer is written.
    [{ status: "expiring", running: "writing" }, "spark", []],
    [{ status: "expired" }, "pause", []],
    [{ status: "ended" }, "pause", []],
  ])("has a sign for %j, and what can be done", (changes, icon, buttons) => {
    const { container } = inside(storeOf({ remainingSeconds: 30, ...changes }), <SessionStatus />);
    const shown = container.querySelector<HTMLElement>(".dcs.dcs-status")?.dataset;
    expect([shown?.icon, shown?.running]).toEqual([icon, changes.running]);
    expect(screen.queryAllByRole("button").map(({ textContent }) => textContent)).toEqual(buttons);
  });

  it("by itself says in which language it speaks", () => {
    inside(storeOf({ status: "active" }), <SessionStatus words={{ locale: "de" }} />);
    expect(document.querySelector(".dcs-status")?.getAttribute("lang")).toBe("de");
  });

  it("is not announced when the connection only flickers, and is when it stays away", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const connection = (signal: "online" | "offline") => act(() => tab.page.signal(signal));
    connection("offline");
    expect(status()).toMatch(/^Offline/);
    act(() => void vi.advanceTimersByTime(1900));
    connection("online");
    act(() => void vi.advanceTimersByTime(5000));
    expect(said()).toBe("");
    connection("offline");
    act(() => void vi.advanceTimersByTime(2000));
    expect(said()).toBe("Offline – your words are kept");
    connection("online");
    expect(said()).toBe("Connected again");
  });

  it("says what has changed while the connection was lost, and nothing that was said before", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const lose = async (milliseconds: number) => {
      act(() => tab.page.signal("offline"));
      act(() => void vi.advanceTimersByTime(2000));
      expect(said()).toBe("Offline – your words are kept");
      await advance(milliseconds);
      act(() => tab.page.signal("online"));
    };
    await lose(333_000);
    expect(saidAll().slice(1)).toEqual([
      "Connected again",
      "This chat paused after 5 minutes without activity. Your next message starts a new chat.",
    ]);
    await lose(0);
    expect(said()).toBe("Connected again");
  });

  it("stays for a moment beside what is said next, for a screen reader that is slow", async () => {
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: async () => {} }, language: "en" });
    bench.server.start("", ["Why?", "Because."]);
    await show();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    act(() => tab.page.signal("offline"));
    act(() => void vi.advanceTimersByTime(60_000));
    act(() => tab.page.signal("online"));
    act(() => void vi.advanceTimersByTime(5000));
    expect(saidAll()).toEqual(["Connected again"]);
    const first = announcer()?.firstElementChild;
    const sign = () => button("Copy").querySelector("path")?.getAttribute("d");
    const before = sign();
    await act(async () => void fireEvent.click(button("Copy")));
    expect(saidAll()).toEqual(["Connected again", "Copied"]);
    expect(sign()).not.toBe(before);
    // What was said is not said anew.
    expect(announcer()?.firstElementChild).toBe(first);
    act(() => void vi.advanceTimersByTime(5000));
    expect(sign()).toBe(before);
    expect(saidAll()).toEqual(["Copied"]);
    // Else it would be read at the end of the chat, and said at each opening of a floating one.
    act(() => void vi.advanceTimersByTime(5000));
    expect(saidAll()).toEqual([]);
  });
});

it("paragraphs are parted by lines with nothing to read", () => {
  const { container } = render(<Paragraphs text={"\n\nIce\nfloats.\n \t\nSalt\n\n\n\nmelts it.\n\n "} />);
  expect([...container.querySelectorAll("p")].map((one) => one.textContent)).toEqual([
    "\nIce\nfloats.".trim(),
    "Salt",
    "melts it.",
  ]);
});

describe("an answer", () => {
  const writeText = vi.fn(async (_: string) => {});

  it("can be copied, which is said, and shows when it came", async () => {
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText }, language: "en" });
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await act(async () => void fireEvent.click(button("Copy")));
    expect(writeText).toHaveBeenCalledWith("Because.");
    expect(said()).toBe("Copied");
    // Else it would be said again: what is different from a button's name describes it.
    expect(button("Copy").title).toBe("Copy");
    const before = announcer()?.firstElementChild;
    await act(async () => void fireEvent.click(button("Copy")));
    expect(announcer()?.firstElementChild).not.toBe(before);
    const times = [...document.querySelectorAll("article time")].map((time) => time.getAttribute("datetime"));
    expect(times).toEqual(bench.server.messages.map(({ created_at }) => created_at));
  });

  it("is copied in a frame that may not use the clipboard, which is said only when it is so", async () => {
    const refused = async () => Promise.reject(new DOMException("refused", "NotAllowedError"));
    vi.stubGlobal("navigator", { ...navigator, clipboard: { writeText: refused }, language: "en" });
    const given = new Map<string, string>();
    const press = () => {
      const event = new Event("copy", { bubbles: true, cancelable: true });
      Object.assign(event, { clipboardData: { setData: (kind: string, text: string) => given.set(kind, text) } });
      return !document.body.dispatchEvent(event);
    };
    onTestFinished(() => void Reflect.deleteProperty(document, "execCommand"));
    Object.assign(document, { execCommand: () => false });
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await act(async () => void fireEvent.click(button("Copy")));
    expect(said()).toBe("");
    Object.assign(document, { execCommand: press });
    await act(async () => void fireEvent.click(button("Copy")));
    expect(Object.fromEntries(given)).toEqual({ "text/plain": "Because." });
    expect(said()).toBe("Copied");
    // What the reader copies is the reader's own again.
    expect(press()).toBe(false);
  });

  it("has no button to copy where that is not allowed", async () => {
    vi.stubGlobal("navigator", { language: "en" });
    bench.server.start("", ["Why?", "Because."]);
    await show();
    expect(screen.queryByRole("button", { name: "Copy" })).toBeNull();
  });

  it("has sources that are numbered, and leads to those elsewhere in a tab of their own", () => {
    const sources = [
      { title: "Heat", url: "HTTPS://elsewhere.example/heat" },
      { title: "Ice", url: "/ice" },
    ];
    const { container, rerender } = render(<SourceList metadata={{ sources }} />);
    expect([...container.querySelectorAll("li")].map(({ textContent }) => textContent)).toEqual(["1Heat", "2Ice"]);
    expect(screen.getAllByRole<HTMLAnchorElement>("link").map(({ target, rel }) => [target, rel])).toEqual([
      ["_blank", "noopener noreferrer"],
      ["", ""],
    ]);
    rerender(<SourceList metadata={{}} />);
    expect(container.innerHTML).toBe("");
  });

  it("has sources that are read in their own direction", () => {
    const sources = [{ title: "Heat", quote: "لماذا يسخن البحر؟" }];
    const { container } = render(<SourceList metadata={{ sources }} />);
    const own = [...container.querySelectorAll("[dir=auto]")].map(({ className }) => className);
    expect(own).toEqual(["", "dcs-quote"]);
  });

  it.each([
    [3, true],
    [4, false],
  ])("with %i sources shows them at once: %s", (count, isOpen) => {
    const sources = Array.from({ length: count }, (_, index) => ({ title: `Source ${index}` }));
    const { container } = render(<SourceList metadata={{ sources }} />);
    expect(container.querySelector("summary")?.textContent).toBe(`Sources (${count})`);
    expect(container.querySelector("details")?.open).toBe(isOpen);
  });
});

describe("the transcript", () => {
  it("says that something has come while its reader was further up, and leads there", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    await ask("And?");
    const log = screen.getByRole("log");
    Object.defineProperties(log, { scrollHeight: { value: 900 }, clientHeight: { value: 300 } });
    fireEvent.scroll(log); // it has its size now
    log.scrollTop = 0;
    fireEvent.scroll(log);
    expect(button("Jump to latest")).toBeTruthy();
    bench.server.finish("So.");
    await advance(2000);
    button("New answer").focus();
    fireEvent.click(button("New answer"));
    expect(log.scrollTop).toBe(900);
    expect(document.activeElement).toBe(log);
    expect(screen.queryByRole("button", { name: /latest|New answer/ })).toBeNull();
  });

  it.each([
    // A pasted text: the browser tells of a scroll before anybody hears that the box has shrunk.
    ["what is written takes room from it", { height: 900, room: 220 }, 0],
    // Markdown in the place of plain text: a browser goes down with what it takes for the reader's place.
    ["the browser scrolls down after what has grown", { height: 1300, room: 300 }, 74],
  ])("goes on following where %s", async (_, then, further) => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    const log = screen.getByRole("log");
    const size = { height: 900, room: 300 };
    let top = 0;
    Object.defineProperties(log, {
      scrollHeight: { get: () => size.height },
      clientHeight: { get: () => size.room },
      scrollTop: {
        get: () => top,
        set(wanted) {
          top = Math.min(wanted, size.height - size.room);
        },
      },
    });
    fireEvent.scroll(log); // it has its size now
    expect(top).toBe(600);
    Object.assign(size, then);
    log.scrollTop += further;
    fireEvent.scroll(log);
    expect(top).toBe(then.height - then.room);
    expect(screen.queryByRole("button", { name: "Jump to latest" })).toBeNull();
    log.scrollTop -= 100;
    fireEvent.scroll(log);
    expect(button("Jump to latest")).toBeTruthy();
    // Back down by a little is not yet back.
    log.scrollTop += 20;
    fireEvent.scroll(log);
    expect(top).toBe(then.height - then.room - 80);
  });

  /** A transcript whose reader is further up. */
  function scrolledUp() {
    const log = screen.getByRole("log");
    Object.defineProperties(log, { scrollHeight: { value: 900 }, clientHeight: { value: 300 } });
    fireEvent.scroll(log); // it has its size now
    log.scrollTop = 100;
    fireEvent.scroll(log);
    expect(button("Jump to latest")).toBeTruthy();
    return log;
  }

  it("stays where its reader is when somebody's message comes, and not when the reader sends one", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await show();
    const log = scrolledUp();
    await bench.api().sendMessage({ scope: "", content: "From the phone", key: "phone-key" });
    bench.server.finish("So.");
    await advance(60_000);
    expect(screen.getByText("From the phone")).toBeTruthy();
    expect(log.scrollTop).toBe(100);
    expect(button("New answer")).toBeTruthy();
    await ask("And?");
    expect(log.scrollTop).toBe(900);
  });

  it("of another chat begins at its latest message, wherever its reader was in the one before", async () => {
    const old = bench.server.start("", ["Old?", "Old."]);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
    bench.server.start("", ["New?", "New."]);
    await show();
    const log = scrolledUp();
    await act(() => tab.store.open(old.id));
    expect(screen.getByText("Old.")).toBeTruthy();
    expect(log.scrollTop).toBe(900);
    expect(screen.queryByRole("button", { name: /latest|New answer/ })).toBeNull();
  });

  it("greets from the beginning where there is little room, also after another chat", async () => {
    const grow = observeGrowth();
    await show();
    const log = screen.getByRole("log");
    Object.defineProperties(log, { scrollHeight: { value: 900 }, clientHeight: { value: 300 } });
    act(grow);
    expect(log.scrollTop).toBe(0);
    log.scrollTop = 100;
    fireEvent.scroll(log);
    act(grow);
    expect(log.scrollTop).toBe(100);
    expect(screen.queryByRole("button", { name: /latest|New answer/ })).toBeNull();
    await ask("Why?");
    expect(log.scrollTop).toBe(900);
    await act(() => tab.store.startNew());
    expect(log.scrollTop).toBe(0);
  });

  it("stays where its reader is when earlier messages and a new one come together", () => {
    function Rows({ keys }: { keys: string }) {
      const { ref, onScroll, isAtLatest } = useStickToLatest(
        [...keys].map((key) => ({ key })),
        false,
      );
      return (
        <div ref={ref} role="log" onScroll={onScroll}>
          {!isAtLatest && <button type="button">Jump to latest</button>}
        </div>
      );
    }
    const { rerender } = render(<Rows keys="cd" />);
    const log = scrolledUp();
    rerender(<Rows keys="abcde" />);
    expect(log.scrollTop).toBe(100);
    expect(button("Jump to latest")).toBeTruthy();
    rerender(<Rows keys="xyz" />);
    expect(log.scrollTop).toBe(900);
  });
});

describe("the place of the reader", () => {
  it("is kept when earlier messages come in, whatever has grown since the last one", async () => {
    const grow = observeGrowth();
    bench.server.start(
      "",
      Array.from({ length: 60 }, (_, index) => `message ${index}`),
    );
    await show();
    const log = screen.getByRole("log");
    let height = 5000;
    Object.defineProperties(log, { scrollHeight: { get: () => height }, clientHeight: { value: 300 } });
    fireEvent.scroll(log); // it has its size now
    log.scrollTop = 40;
    fireEvent.scroll(log);
    height = 9000;
    act(grow);
    expect(log.scrollTop).toBe(40);
    height = 11_000;
    fireEvent.click(button("Show earlier messages"));
    await advance(0);
    expect(screen.getByText("message 0")).toBeTruthy();
    expect(log.scrollTop).toBe(40 + 2000);
  });
});

describe("the focus", () => {
  /** The observer that looks after it runs when the page is at rest. */
  const rest = () => act(async () => {});
  const use = async (name: string) => {
    button(name).focus();
    fireEvent.click(button(name));
    await advance(0);
    await rest();
  };

  it("goes to the field when what had it goes away", async () => {
    bench.server.start("", ["Why?", "Because."]);
    await bench.timers.advance(720_000);
    await show();
    await use("Continue the previous chat");
    expect(document.activeElement).toBe(field());
    await ask("forbidden words");
    await use("Edit");
    expect(document.activeElement).toBe(field());
  });

  it("goes to the ways on of an older chat, and back to the field", async () => {
    const old = bench.server.start("", ["Old question", "Old answer"]);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
    await show();
    field().focus();
    await act(() => tab.store.open(old.id));
    await waitFor(() => expect(document.activeElement).toBe(button("Continue this chat")));
    await use("Back to the current chat");
    expect(document.activeElement).toBe(field());
  });

  it("is not taken from who has left the chat", async () => {
    bench.server.faults = [{ status: 403 }];
    await show();
    button("Dismiss").focus();
    button("Dismiss").blur();
    await rest();
    act(() => tab.store.dismissError());
    await rest();
    expect(document.activeElement).toBe(document.body);
  });

  it("begins in the field only where the host wants that", async () => {
    const { unmount } = await show();
    expect(document.activeElement).toBe(document.body);
    unmount();
    await show({ autoFocus: true });
    expect(document.activeElement).toBe(field());
  });

  it("goes to the field with a slash, but not while one is written", async () => {
    await show();
    button("New chat").focus();
    for (const held of ["ctrlKey", "altKey", "metaKey"]) {
      expect(fireEvent.keyDown(button("New chat"), { key: "/", [held]: true })).toBe(true);
      expect(document.activeElement).toBe(button("New chat"));
    }
    expect(fireEvent.keyDown(button("New chat"), { key: "/" })).toBe(false);
    expect(document.activeElement).toBe(field());
    expect(fireEvent.keyDown(field(), { key: "/" })).toBe(true);
    expect(fireEvent.keyDown(field(), { key: "ArrowUp" })).toBe(true);
    expect(field().value).toBe("");
  });

  it("stays in the search of a history with a slash", async () => {
    await show({ history: "sidebar" });
    const search = await screen.findByRole("searchbox");
    search.focus();
    expect(fireEvent.keyDown(search, { key: "/" })).toBe(true);
    expect(document.activeElement).toBe(search);
  });
});

it("takes one message after the other while they wait", async () => {
  await show();
  bench.server.offline = true;
  await ask("One");
  await ask("Two");
  expect(screen.getAllByRole("article").map((row) => within(row).getByText(/One|Two/).textContent)).toEqual([
    "One",
    "Two",
  ]);
  expect(field().value).toBe("");
});

it("500 pieces of an answer render its row alone, and seldom", async () => {
  bench.server.streams.refusal = null;
  bench.server.start("", ["Why?", "Because."]);
  const counts: Record<string, number> = {};
  const counted = (name: string, part: React.ReactNode) => (
    <Profiler id={name} onRender={() => (counts[name] = (counts[name] ?? 0) + 1)}>
      {part}
    </Profiler>
  );
  const slots: Partial<ChatSlots> = {
    Status: () => counted("status", <SessionStatus />),
    Content: ({ text, isWriting }) => counted(isWriting ? "writing" : "other", <p>{text}</p>),
    History: () => counted("history", <ul />),
    Composer: () => counted("composer", <input aria-label="Message" />),
  };
  await show({ slots, history: "sidebar" });
  await act(async () => void tab.store.send("And?"));
  await advance(0);
  bench.server.write("so");
  await advance(0);
  for (const name of Object.keys(counts)) counts[name] = 0;
  for (let count = 1; count <= 500; count += 1) bench.server.write("so ".repeat(count));
  await advance(0);
  expect(counts.writing).toBeGreaterThan(0);
  expect(counts.writing).toBeLessThanOrEqual(20);
  expect({ ...counts, writing: 0 }).toEqual({ status: 0, writing: 0, other: 0, history: 0, composer: 0 });
});
