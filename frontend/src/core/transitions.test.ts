import { beforeEach, describe, expect, it } from "vitest";
import { type ChatState, INITIAL_STATE } from "./chatState.js";
import { ChatBench } from "./testing/chatBench.js";
import { arrived, opened as enter, isBehind, lapsed, paged, pagedOlder, replied, sent, viewed } from "./transitions.js";
import type { Arrival, Message, Session, Transcript } from "./wire.js";

let session: Session;
let messages: Message[];
let state: ChatState;
beforeEach(() => {
  const bench = new ChatBench();
  session = bench.server.start("", ["Why?", "Because.", "And then?", "Nothing."]);
  messages = bench.server.messages;
  state = { ...INITIAL_STATE, loaded: true, session, messages };
});

const page = (change: Partial<Transcript>): Transcript => ({
  ...{ session, messages, next_before: null, server_time: "" },
  ...change,
});
const other = () => ({ ...session, id: "other" });

describe("what is said of another session than the one on screen", () => {
  it("changes nothing there", () => {
    expect(paged(state, page({ session: other() }))).toBe(state);
    expect(pagedOlder(state, page({ session: other() }))).toBe(state);
    expect(replied(state, other(), null)).toBe(state);
  });

  it("takes a message on its way from the list, also while an older one is read", () => {
    const viewing = { ...state, viewing: true };
    const [message] = messages as [Message];
    const rest = { arrival: { status: "new", reason: "first", previous: null }, reply: null, server_time: "" } as const;
    const after = sent(viewing, "key", { ...rest, session: other(), message }, false);
    expect(after).toMatchObject({ session: { id: session.id }, messages, keys: new Map([[message.id, "key"]]) });
  });

  it("leads nobody from an open chat to one that is over, though its answer came later", () => {
    const [message] = messages as [Message];
    const rest = {
      arrival: { status: "resumed", reason: "open", previous: null } as const,
      reply: null,
      server_time: "",
    };
    const to = (change: Partial<Session>) =>
      sent(state, "key", { ...rest, session: { ...other(), last_activity_at: "9999", ...change }, message }, false);
    expect(to({ state: "ended" }).session).toBe(session);
    expect(to({ state: "expired" }).session).toBe(session);
    expect(to({ state: "active" }).session?.id).toBe(other().id);
  });
});

describe("an answer that is late", () => {
  const opened = () =>
    ({ session, arrival: { status: "resumed", reason: "open", previous: null }, server_time: "" }) as const;
  const over = () => ({ ...session, state: "ended" }) as const;

  it("opens nothing again that is known to be over, be it as what was left behind", () => {
    const left = { ...INITIAL_STATE, previous: over() };
    expect(arrived(left, opened()).session?.state).toBe("ended");
    expect(viewed(left, page({}))).toMatchObject({ session: { state: "ended" }, viewing: true });
    const [message] = messages as [Message];
    expect(sent(left, "key", { ...opened(), message, reply: null }, false).session?.state).toBe("ended");
    const again = { ...session, last_activity_at: "9999" };
    expect(arrived(left, { ...opened(), session: again }).session).toBe(again);
  });

  it("to a wish opens nothing that is over since, but whatever the server's clock says, what was over before", () => {
    const asked = { ...state, session: over(), previous: over() };
    expect(enter(asked, opened(), asked.session).session?.state).toBe("active");
    expect(enter({ ...asked, session: over() }, opened(), asked.session).session?.state).toBe("ended");
  });
});

it("an old chat in which a message on its way turns out to be the open one is there to write in", () => {
  const read = { ...state, session: { ...session, state: "ended" } as const, viewing: true };
  const open = { ...session, last_activity_at: "9999" };
  const [message] = messages as [Message];
  const arrival: Arrival = { status: "resumed", reason: "open", previous: null };
  const after = sent(read, "key", { arrival, session: open, message, reply: null, server_time: "" }, true);
  expect(after).toMatchObject({ session: open, viewing: false });
  const later = { ...open, state: "ended", last_activity_at: "99999" } as const;
  expect(replied(read, later, null)).toMatchObject({ session: later, viewing: true });
});

describe("a page", () => {
  it("leaves what lies further back reachable", () => {
    const known = { ...state, messages: messages.slice(1) };
    expect(paged(known, page({ messages: messages.slice(2), next_before: 2 })).nextBefore).toBe(1);
    expect(paged({ ...known, nextBefore: 1 }, page({ messages: messages.slice(2) })).nextBefore).toBe(1);
    expect(paged(state, page({ messages: messages.slice(2), next_before: 2 })).nextBefore).toBeNull();
    expect(paged(state, page({ messages: [] })).nextBefore).toBeNull();
  });
});

describe("whether the page lags behind the server", () => {
  const behind = (change: Partial<ChatState>) => isBehind({ ...state, ...change });

  it("is seen from what it shows", () => {
    expect(behind({})).toBe(false);
    expect(behind({ session: null })).toBe(false);
    expect(behind({ gap: true })).toBe(true);
    expect(behind({ messages: [] })).toBe(true);
    expect(behind({ messages: messages.slice(1) })).toBe(true);
    expect(behind({ messages: messages.slice(1), nextBefore: 1 })).toBe(false);
    expect(behind({ messages: messages.map((message) => ({ ...message, state: "running" })) })).toBe(true);
    expect(behind({ session: { ...session, running: true } })).toBe(true);
    expect(behind({ session: { ...session, message_count: 5 } })).toBe(true);
  });
});

it("nothing lapses where nothing is open", () => {
  expect(lapsed(INITIAL_STATE)).toBe(INITIAL_STATE);
});

it("no time is left of what is over, although its deadline is the same", () => {
  const expiring = { ...state, session: { ...session, expires_at: session.last_activity_at }, remainingSeconds: 7 };
  expect(replied(expiring, expiring.session, null).remainingSeconds).toBe(7);
  expect(replied(expiring, { ...expiring.session, state: "ended" }, null).remainingSeconds).toBeNull();
  expect(lapsed(expiring).remainingSeconds).toBeNull();
});

describe("the boundary before the session that took over", () => {
  const reasonOf = (arrival: Arrival) => {
    const over = { ...state, session: { ...session, state: "ended", end_reason: "day" } as const };
    return arrived(over, { arrival, session: { ...other(), previous: session.id } }).earlier[0]?.boundary.reason;
  };

  it("says why that one began, or, if it had begun elsewhere, why the one before ended", () => {
    expect(reasonOf({ status: "new", reason: "max_age", previous: null })).toBe("max_age");
    expect(reasonOf({ status: "resumed", reason: "open", previous: null })).toBe("day");
    const previous = { ...session, end_reason: "user" };
    expect(reasonOf({ status: "resumed", reason: "open", previous })).toBe("user");
  });

  it("is not set where nothing was said", () => {
    const previous = { ...session, message_count: 0 };
    const arrival = { status: "new", reason: "idle", previous } as const;
    const blank = { ...state, session: previous, messages: [] };
    expect(arrived(blank, { arrival, session: { ...other(), previous: session.id } }).earlier).toEqual([]);
  });

  it("is set also where the page has only said that the one before had paused, but not after a wish", () => {
    const entered = (reason: string) => {
      const paused = { ...INITIAL_STATE, previous: session, loaded: true };
      const arrival = { status: "new", reason, previous: session } as const;
      return arrived(paused, { arrival, session: { ...other(), previous: session.id } }).earlier;
    };
    expect(entered("idle")).toEqual([{ messages: [], boundary: expect.objectContaining({ previous: session }) }]);
    expect(entered("user")).toEqual([]);
  });
});
