// biome-ignore-all lint/correctness/useHookAtTopLevel: the hooks under test are called in test components
import { act, cleanup, render, screen } from "@testing-library/react";
import { memo, StrictMode } from "react";
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ChatSnapshot } from "../core/index.js";
import { ChatBench } from "../core/testing/chatBench.js";
import { ChatProvider, type ChatProviderProps } from "./ChatProvider.js";
import { type Chat, useChat, useChatSelector } from "./useChat.js";
import { type ChatHistoryOptions, type ChatHistoryState, useChatHistory } from "./useChatHistory.js";
import { shallowEqual } from "./useSelection.js";
import { useSessionStatus } from "./useSessionStatus.js";

let bench: ChatBench;
beforeEach(() => {
  bench = new ChatBench();
});
afterEach(cleanup);

const advance = (milliseconds: number) => act(() => bench.timers.advance(milliseconds));

const Draft = () => <p data-testid="draft">{useChatSelector(({ draft }) => draft)}</p>;

/** A provider whose store lives on the bench's time. */
function Provider(props: ChatProviderProps) {
  return <ChatProvider api={bench.api()} {...props} />;
}

describe("the provider", () => {
  it("takes a null for nobody and for no scope, and not for names", async () => {
    const none: object = { owner: null, scope: null };
    for (const named of ["null:null", "null:", ":null"])
      localStorage.setItem(`django-chat-sessions:1:${named}`, '{"session":null,"draft":"somebody else"}');
    vi.stubGlobal("fetch", bench.server.fetch);
    render(
      <ChatProvider baseUrl="/chat" {...none}>
        <Draft />
      </ChatProvider>,
    );
    await vi.waitFor(() => expect(bench.server.seen.map(({ path }) => path)).toEqual(["/sessions/current?scope="]));
    expect(screen.getByTestId("draft").textContent).toBe("");
    vi.unstubAllGlobals();
    localStorage.clear();
  });

  it("asks once under StrictMode", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const store = bench.store();
    render(
      <StrictMode>
        <ChatProvider store={store}>
          <Status />
        </ChatProvider>
      </StrictMode>,
    );
    await advance(0);
    expect(bench.server.count("GET", /current/)).toBe(1);
    expect(screen.getByTestId("status").textContent).toBe("resumed");
  });

  it("asks once for the history under StrictMode too", async () => {
    const api = bench.api();
    render(
      <StrictMode>
        <ChatProvider api={api}>
          <Sessions />
          <Sessions />
        </ChatProvider>
      </StrictMode>,
    );
    await advance(0);
    expect(bench.server.count("GET", /^\/sessions\?/)).toBe(1);
    expect(bench.server.count("GET", /current/)).toBe(1);
  });

  it("renders on a server without window", () => {
    for (const name of ["window", "document", "navigator", "localStorage"]) vi.stubGlobal(name, undefined);
    const html = renderToString(
      <ChatProvider baseUrl="/chat">
        <Status />
        <Sessions />
      </ChatProvider>,
    );
    vi.unstubAllGlobals();
    expect(html).toContain("loading");
  });

  it("takes another scope for another chat", async () => {
    const api = bench.api();
    const { rerender } = render(
      <ChatProvider api={api} scope="subject:1">
        <Status />
      </ChatProvider>,
    );
    await advance(0);
    rerender(
      <ChatProvider api={api} scope="subject:2">
        <Status />
      </ChatProvider>,
    );
    await advance(0);
    expect(bench.server.seen.map(({ path }) => path)).toEqual([
      "/sessions/current?scope=subject%3A1",
      "/sessions/current?scope=subject%3A2",
    ]);
  });

  it("has the words that only this page has when their scope comes again", async () => {
    localStorage.setItem("django-chat-sessions:1::subject%3A1", '{"session":"of-somebody","reader":"x","draft":""}');
    bench.server.offline = true;
    const api = bench.api();
    let chat: Chat | null = null;
    const Grab = () => {
      chat = useChat();
      return <Draft />;
    };
    const about = (scope: string) => (
      <ChatProvider api={api} scope={scope}>
        <Grab />
      </ChatProvider>
    );
    const { rerender } = render(about("subject:1"));
    act(() => (chat as Chat | null)?.setDraft("half a thought"));
    rerender(about("subject:2"));
    await advance(0);
    expect(screen.getByTestId("draft").textContent).toBe("");
    rerender(about("subject:1"));
    await advance(0);
    expect(screen.getByTestId("draft").textContent).toBe("half a thought");
    // What can be stored by now may be sent from another tab meanwhile.
    bench.server.offline = false;
    act(() => void window.dispatchEvent(new Event("online")));
    await advance(0);
    rerender(about("subject:2"));
    localStorage.removeItem("django-chat-sessions:1::subject%3A1");
    rerender(about("subject:1"));
    await advance(0);
    expect(screen.getByTestId("draft").textContent).toBe("");
    localStorage.clear();
  });

  it("sends what waited in a scope, where nothing can be stored, when that scope comes again", async () => {
    vi.stubGlobal("localStorage", null);
    const api = bench.api();
    let chat: Chat | null = null;
    const Grab = () => {
      chat = useChat();
      return null;
    };
    const about = (scope: string) => (
      <ChatProvider api={api} scope={scope}>
        <Grab />
      </ChatProvider>
    );
    const { rerender } = render(about("subject:1"));
    await advance(0);
    bench.server.offline = true;
    act(() => void (chat as Chat | null)?.send("Why?"));
    await advance(0);
    rerender(about("subject:2"));
    await advance(0);
    bench.server.offline = false;
    rerender(about("subject:1"));
    await advance(60_000);
    vi.unstubAllGlobals();
    expect((chat as Chat | null)?.messages.map(({ content }) => content)).toContain("Why?");
  });

  it("makes a client of its own that sends token and headers", async () => {
    const seen: HeadersInit[] = [];
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
      seen.push(init.headers ?? {});
      return bench.server.fetch(path, init);
    });
    let chat: Chat | null = null;
    const Grab = () => {
      chat = useChat();
      return null;
    };
    render(
      <ChatProvider baseUrl="/chat" csrfToken="abc" headers={{ "X-Tenant": "7" }}>
        <Grab />
      </ChatProvider>,
    );
    await advance(0);
    await act(async () => void (await (chat as Chat | null)?.startNew()));
    vi.unstubAllGlobals();
    expect(seen.at(-1)).toMatchObject({ "X-CSRFToken": "abc", "X-Tenant": "7" });
  });
});

it("asks for another reader's history with that reader's headers", async () => {
  const asked: (string | undefined)[] = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    asked.push((init.headers as Record<string, string>).Authorization);
    return bench.server.fetch(path, init);
  });
  const List = () => <p>{useChatHistory().sessions.length}</p>;
  const App = ({ who }: { who: string }) => (
    <ChatProvider baseUrl="/chat" owner={who} headers={{ Authorization: `Token ${who}` }}>
      <List />
    </ChatProvider>
  );
  const { rerender } = render(<App who="ada" />);
  await advance(0);
  asked.length = 0;
  rerender(<App who="bob" />);
  await advance(0);
  vi.unstubAllGlobals();
  expect(new Set(asked)).toEqual(new Set(["Token bob"]));
});

describe("the token", () => {
  const seen: (string | null)[] = [];
  let chat: Chat;
  const Grab = () => {
    chat = useChat();
    return null;
  };
  const tree = (props: Pick<ChatProviderProps, "csrfToken">) => (
    <ChatProvider baseUrl="/chat" {...props}>
      <Grab />
    </ChatProvider>
  );
  const write = () => act(async () => void (await chat.startNew()));

  beforeEach(() => {
    seen.length = 0;
    // biome-ignore lint/suspicious/noDocumentCookie: happy-dom has no cookie store
    document.cookie = "csrftoken=cookie";
    vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
      if (init.method === "POST") seen.push(new Headers(init.headers).get("X-CSRFToken"));
      return bench.server.fetch(path, init);
    });
  });
  afterEach(() => {
    // biome-ignore lint/suspicious/noDocumentCookie: happy-dom has no cookie store
    document.cookie = "csrftoken=; max-age=0";
    vi.unstubAllGlobals();
  });

  it("is used from when it is given, and the cookie's before and after", async () => {
    const { rerender } = render(tree({}));
    await advance(0);
    await write();
    rerender(tree({ csrfToken: "first" }));
    await write();
    rerender(tree({ csrfToken: () => "second" }));
    await write();
    rerender(tree({}));
    await write();
    expect(seen).toEqual(["cookie", "first", "second", "cookie"]);
  });

  it("is the cookie's where the host's own is not known yet", async () => {
    render(tree({ csrfToken: () => null }));
    await advance(0);
    await write();
    expect(seen).toEqual(["cookie"]);
  });
});

describe("a missing provider is one clear sentence", () => {
  beforeEach(() => void vi.spyOn(console, "error").mockImplementation(() => {}));
  afterEach(() => void vi.restoreAllMocks());

  it.each([
    ["useChat", () => useChat()],
    ["useChatSelector", () => useChatSelector((chat) => chat.status)],
    ["useChatHistory", () => useChatHistory()],
    ["useSessionStatus", () => useSessionStatus()],
  ])("%s", (name, use) => {
    const Lost = () => {
      use();
      return null;
    };
    expect(() => render(<Lost />)).toThrow(`${name} must be used inside a <ChatProvider>.`);
  });

  it("so is a provider without a server, be it that JavaScript has null there", () => {
    const none: object = { baseUrl: null };
    for (const props of [{}, none]) {
      expect(() => render(<ChatProvider {...props} />)).toThrow("<ChatProvider> needs baseUrl, api or store.");
    }
    const store = bench.store();
    expect(() =>
      render(
        <ChatProvider store={store}>
          <Sessions />
        </ChatProvider>,
      ),
    ).toThrow("useChatHistory needs a <ChatProvider> with baseUrl or api.");
  });
});

describe("renders", () => {
  it("touch only what changed", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const store = bench.store();
    const counts = { status: 0, draft: 0 };
    const StatusCounter = () => {
      counts.status += 1;
      return <>{useSessionStatus().status}</>;
    };
    const DraftCounter = () => {
      counts.draft += 1;
      return <>{useChatSelector((chat) => chat.draft)}</>;
    };
    render(
      <ChatProvider store={store}>
        <StatusCounter />
        <DraftCounter />
      </ChatProvider>,
    );
    await advance(0);
    const before = { ...counts };
    for (const draft of ["W", "Wh", "Why"]) act(() => store.setDraft(draft));
    expect(counts).toEqual({ status: before.status, draft: before.draft + 3 });
    await advance(240_000);
    // One act a second, for React 18 renders once at the end of each.
    for (let second = 0; second < 10; second += 1) await advance(1000);
    expect(counts.draft).toBe(before.draft + 3);
    expect(counts.status).toBeGreaterThan(before.status + 5);
  });
});

describe("a selection", () => {
  const answersOf = (chat: ChatSnapshot) => chat.messages.filter(({ role }) => role === "assistant");

  it("may be made anew each time, and is the same until the chat changes", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const store = bench.store();
    const seen = new Set<unknown>();
    const complain = vi.spyOn(console, "error");
    const Answers = memo(function Answers() {
      const answers = useChatSelector(answersOf);
      seen.add(answers);
      return <p data-testid="count">{answers.length}</p>;
    });
    const Inline = () => <>{useChatSelector((chat) => ({ first: chat.messages[0]?.content })).first}</>;
    const tree = (
      <ChatProvider store={store}>
        <Answers />
        <Inline />
      </ChatProvider>
    );
    const { rerender } = render(<StrictMode>{tree}</StrictMode>);
    await advance(0);
    expect(screen.getByTestId("count").textContent).toBe("1");
    const known = seen.size;
    rerender(<StrictMode>{tree}</StrictMode>);
    expect(seen.size).toBe(known);
    expect(complain).not.toHaveBeenCalled();
    complain.mockRestore();
  });

  it("stays the same while it is equal, also for another function", async () => {
    bench.server.start("", ["Why?", "Because."]);
    const store = bench.store();
    const seen = new Set<unknown>();
    const Answers = ({ count }: { count: number }) => {
      seen.add(useChatSelector((chat) => answersOf(chat).slice(0, count), shallowEqual));
      return null;
    };
    const tree = (count: number) => (
      <ChatProvider store={store}>
        <Answers count={count} />
      </ChatProvider>
    );
    const { rerender } = render(tree(1));
    await advance(0);
    expect(seen.size).toBe(2); // none, then one
    act(() => store.setDraft("W"));
    rerender(tree(2));
    expect(seen.size).toBe(2);
    rerender(tree(0));
    expect(seen.size).toBe(3);
  });
});

describe("useChat and useChatHistory", () => {
  it("send, list, search, rename, open and remove", async () => {
    const old = bench.server.start("", ["Old question", "Old answer"]);
    bench.server.changeSession(old.id, { title: "Ice", state: "ended", end_reason: "user" });
    const store = bench.store();
    const api = bench.api();
    const now = {} as { chat: Chat; history: ChatHistoryState };
    const Both = () => {
      now.chat = useChat();
      now.history = useChatHistory();
      return null;
    };
    render(
      <Provider api={api} store={store}>
        <Both />
      </Provider>,
    );
    await advance(0);
    act(() => void now.chat.send("What is salt?"));
    await advance(0);
    expect(now.chat).toMatchObject({ status: "active", running: "waiting" });
    await act(() => now.history.refresh());
    expect(now.history.found.map(({ title }) => title)).toEqual(["What is salt?", "Ice"]);
    act(() => now.history.setQuery(" ICE "));
    expect(now.history.found.map(({ id }) => id)).toEqual([old.id]);
    await act(() => now.history.rename(old.id, "Snow"));
    expect(now.history.sessions.map(({ title }) => title)).toContain("Snow");
    await act(() => now.history.open(old.id));
    expect(now.history.openId).toBe(old.id);
    expect(now.chat.readOnly).toBe(true);
    await act(() => now.history.remove(old.id));
    await advance(0);
    expect(now.chat.readOnly).toBe(false);
    expect(now.history.sessions).toHaveLength(1);
    await act(async () => {
      void now.history.restore(old.id, old);
      await now.history.open(old.id);
    });
    expect(now.history.openId).toBe(old.id);
    expect(now.chat.error).toBeNull();
  });
});

it("two lists of other scopes, or of other lengths, are told apart", async () => {
  for (const scope of ["", "", "b"]) {
    const { id } = bench.server.start(scope, ["Why?"]);
    bench.server.changeSession(id, { state: "ended", end_reason: "user" });
    await advance(1000);
  }
  const Count = ({ of }: { of: ChatHistoryOptions }) => <p>{useChatHistory(of).sessions.length}</p>;
  const { container } = render(
    <Provider store={bench.store({ scope: "b" })}>
      {[{}, { scope: "" }, { scope: "", limit: 1 }, { scope: null }].map((of, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they stay
        <Count key={at} of={of} />
      ))}
    </Provider>,
  );
  await advance(0);
  expect([...container.querySelectorAll("p")].map(({ textContent }) => textContent)).toEqual(["1", "2", "1", "3"]);
});

describe("what is being deleted or opened meanwhile", () => {
  async function twoChats() {
    const old = bench.server.start("", ["One?", "One."]);
    bench.server.changeSession(old.id, { state: "ended", end_reason: "user" });
    const shown = bench.server.start("", ["Two?", "Two."]);
    const store = bench.store();
    const now = {} as { history: ChatHistoryState };
    const List = () => {
      now.history = useChatHistory();
      return null;
    };
    render(
      <Provider store={store}>
        <List />
      </Provider>,
    );
    await advance(0);
    expect(store.getSnapshot().session?.id).toBe(shown.id);
    const held = async (verb: Promise<unknown>) => {
      void verb;
      await advance(0);
      return bench.server.setAside();
    };
    return { old, shown, store, history: now.history, held };
  }

  it("what was chosen while the chat on screen was being deleted is shown", async () => {
    const { old, shown, store, history, held } = await twoChats();
    bench.server.hold();
    const remove = await held(history.remove(shown.id));
    bench.server.hold();
    const open = await held(history.open(old.id));
    remove();
    await advance(0);
    open();
    await advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: old.id }, readOnly: true });
  });

  it("what could not be deleted stays on screen, and what was not on it does not come when it is restored", async () => {
    const { old, shown, store, history } = await twoChats();
    await act(() => history.open(old.id));
    bench.server.faults = [{ status: 503 }];
    void history.remove(old.id);
    await advance(1000);
    expect(store.getSnapshot().session?.id).toBe(old.id);
    await act(() => history.remove(shown.id));
    await act(() => history.restore(shown.id, shown));
    expect(store.getSnapshot().session?.id).toBe(old.id);
  });

  it("what is deleted leaves the screen also when what was chosen meanwhile could not be had", async () => {
    const { shown, store, history, held } = await twoChats();
    bench.server.hold();
    const remove = await held(history.remove(shown.id));
    await act(() => history.open("nobody's"));
    expect(store.getSnapshot().session?.id).toBe(shown.id);
    remove();
    await advance(1000);
    expect(store.getSnapshot().session).toBeNull();
  });

  it.each([
    ["comes when the one on screen is deleted", "shown", "old"],
    ["does not come when it is deleted itself", "old", "shown"],
  ] as const)("what is on its way to the screen %s", async (_, deleted, next) => {
    const { store, history, held, ...chats } = await twoChats();
    bench.server.holdAnswers();
    const open = await held(history.open(chats.old.id));
    void history.remove(chats[deleted].id);
    await advance(0);
    open();
    await advance(1000);
    expect(store.getSnapshot()).toMatchObject({ session: { id: chats[next].id }, readOnly: next === "old" });
  });
});

function Status() {
  return <p data-testid="status">{useChat().status}</p>;
}

function Sessions() {
  return <p>{useChatHistory().sessions.length}</p>;
}
