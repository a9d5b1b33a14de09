import { beforeEach, describe, expect, it } from "vitest";
import { type ChatState, INITIAL_STATE } from "./chatState.js";
import { isOtherwise, updated } from "./news.js";
import { ChatBench } from "./testing/chatBench.js";
import { isBehind } from "./transitions.js";
import type { News } from "./updatesReader.js";
import type { Delta, Message, Session } from "./wire.js";

let bench: ChatBench;
let session: Session;
let state: ChatState;
beforeEach(async () => {
  bench = new ChatBench();
  bench.server.start("", ["Why?"]);
  session = bench.server.sessions[0] as Session;
  const [question] = bench.server.messages;
  const messages = [question as Message, reply({})];
  state = { ...INITIAL_STATE, loaded: true, session: { ...session, message_count: 2, running: true }, messages };
});

const reply = (change: Partial<Message>): Message => ({
  ...(bench.server.messages[0] as Message),
  ...{ id: "reply", role: "assistant", content: "Ice 🧊", position: 1, state: "running", attempt: 1 },
  ...change,
});
const delta = (change: Partial<Delta>): Delta => ({
  ...{ session: session.id, message: "reply", attempt: 1, offset: 5, text: " floats" },
  ...change,
});
const news = (change: Partial<News>): News => ({
  ...{ cursor: "c", sessions: [], messages: [], deltas: [], history_changed: false, server_time: "", isWhole: false },
  ...change,
});
const withDeltas = (...deltas: Partial<Delta>[]) => updated(state, news({ deltas: deltas.map(delta) }));
const text = ({ messages }: ChatState) => messages.at(-1)?.content;

describe("text that was added", () => {
  it("is counted in code points, not in JavaScript's characters", () => {
    expect(text(withDeltas({}))).toBe("Ice 🧊 floats");
    expect(text(withDeltas({ text: " 👩‍🔬" }, { offset: 9, text: "!" }))).toBe("Ice 🧊 👩‍🔬!");
  });

  it("is added once, however often it comes", () => {
    expect(text(withDeltas({}, {}, {}))).toBe("Ice 🧊 floats");
    expect(text(withDeltas({ offset: 4, text: "🧊 flo" }, { offset: 3, text: " 🧊 floats!" }))).toBe("Ice 🧊 floats!");
    expect(withDeltas({ offset: 0, text: "Ice" })).toBe(state);
  });

  it("that does not join what is known is not added, but makes the page read again", () => {
    for (const change of [{ offset: 6 }, { attempt: 2 }, { message: "unknown" }]) {
      const after = withDeltas(change);
      expect(after).toMatchObject({ gap: true, messages: state.messages });
      expect(isBehind(after)).toBe(true);
    }
  });

  it("of an attempt that is over, or of a finished reply, is late", () => {
    state = { ...state, messages: [state.messages[0] as Message, reply({ attempt: 2, content: "" })] };
    expect(withDeltas({})).toBe(state);
    state = { ...state, messages: [state.messages[0] as Message, reply({ state: "answered" })] };
    expect(withDeltas({})).toBe(state);
  });

  it("says that a reply that was waited for is being written", () => {
    state = { ...state, messages: [state.messages[0] as Message, reply({ state: "pending", content: "" })] };
    expect(withDeltas({ offset: 0, text: "Ice" }).messages[1]).toMatchObject({ state: "running", content: "Ice" });
  });

  it("of another session is none of ours", () => {
    expect(withDeltas({ session: "other" })).toBe(state);
  });
});

describe("whole messages", () => {
  const withReply = (change: Partial<Message>) => updated(state, news({ messages: [reply(change)] }));

  it("of a new attempt replace what the one before wrote, and are not replaced by it", () => {
    const anew = withReply({ attempt: 2, content: "", state: "pending" });
    expect(anew.messages[1]).toMatchObject({ attempt: 2, content: "" });
    expect(updated(anew, news({ messages: [reply({ state: "answered", content: "Old" })] }))).toEqual(anew);
  });

  it("that were overtaken take nothing back", () => {
    for (const late of [{ content: "Ic" }, { state: "pending", content: "" }] as const) {
      expect(withReply(late)).toEqual(state);
    }
    for (const done of ["answered", "failed", "stopped", "interrupted"] as const) {
      const finished = withReply({ state: done, content: "Ice" });
      expect(finished.messages[1]).toMatchObject({ state: done, content: "Ice" });
      expect(updated(finished, news({ messages: [reply({})] }))).toEqual(finished);
    }
  });

  it("that leave others out make the page read again", () => {
    expect(withReply({ id: "later", position: 5 })).toMatchObject({ gap: true, messages: state.messages });
    const unread = { ...state, messages: [] };
    expect(updated(unread, news({ messages: [reply({})] }))).toMatchObject({ gap: true, messages: [] });
    const first = reply({ id: "first", position: 0 });
    expect(updated(unread, news({ messages: [first] }))).toMatchObject({ gap: false, messages: [first] });
  });
});

describe("a whole answer that leaves out the chat on screen", () => {
  const left = (isWhole: boolean, sessions: Session[] = []) => updated(state, news({ isWhole, sessions })).gap;

  it("makes the page read what has become of its reply", () => {
    expect(left(true)).toBe(true);
    expect(left(true, [{ ...session, id: "other" }])).toBe(true);
    expect(left(true, [session])).toBe(false);
    expect(left(false)).toBe(false);
    state = { ...state, messages: [reply({ state: "answered" })] };
    expect(left(true)).toBe(false);
  });
});

it("a change of the history says nothing of an interrupted answer in a chat that is open", () => {
  const open = { ...state, messages: [reply({ state: "interrupted" })] };
  expect(updated(open, news({ history_changed: true })).gap).toBe(false);
  const over = { ...open, session: { ...session, state: "ended" as const } };
  expect(updated(over, news({ history_changed: true })).gap).toBe(true);
});

it("a change of the history may be the end of an answer in a chat that is over", () => {
  const told = (row: Partial<Session>, sessions: Session[] = []) =>
    updated({ ...state, session: { ...session, ...row } }, news({ history_changed: true, sessions })).gap;
  expect(told({ state: "ended" })).toBe(true);
  expect(told({ state: "ended" }, [session])).toBe(false);
  expect(told({ state: "active" })).toBe(false);
});

describe("rows of sessions", () => {
  const withRow = (change: Partial<Session>) => updated(state, news({ sessions: [{ ...session, ...change }] }));

  it("replace the one on screen and the one before it, unless they are older", () => {
    expect(withRow({ message_count: 2, state: "ended" }).session).toMatchObject({ state: "ended" });
    expect(withRow({ message_count: 1, title: "Late" }).session).toBe(state.session);
    expect(withRow({ message_count: 2, last_activity_at: "2020", title: "Late" }).session).toBe(state.session);
    const previous = { ...session, id: "before" };
    state = { ...state, previous };
    expect(withRow({ id: "before", title: "New" }).previous).toMatchObject({ title: "New" });
  });

  it("tell when the answer arrives that was being written when its chat was left", () => {
    const row = { ...session, id: "other", running: true, unread: false };
    const shown = updated({ ...state, session: row }, news({ sessions: [row] }));
    const left = updated({ ...shown, session }, news({ sessions: [{ ...row, running: false, unread: true }] }));
    expect(left.elsewhere.answered?.id).toBe("other");
  });

  it("tell when an answer has arrived elsewhere, until it is read", () => {
    const running = withRow({ id: "other", running: true });
    expect(running.elsewhere).toEqual({ running: ["other"], answered: null });
    const row = { ...session, id: "other", unread: true };
    const arrived = updated(running, news({ sessions: [row] }));
    expect(arrived.elsewhere).toEqual({ running: [], answered: row });
    expect(updated(arrived, news({})).elsewhere).toBe(arrived.elsewhere);
    expect(updated(arrived, news({ sessions: [{ ...row, unread: false }] })).elsewhere.answered).toBeNull();
    expect(updated({ ...arrived, session: row }, news({})).elsewhere.answered).toBeNull();
    expect(withRow({ id: "other", unread: true }).elsewhere.answered).toBeNull();
  });

  it("call for a reading when the next message would meet another session", () => {
    const calls = (change: Partial<Session>, more = {}) =>
      isOtherwise(state, news({ sessions: [{ ...session, ...change }], ...more }), "");
    expect(calls({})).toBe(false);
    expect(calls({ state: "expired" })).toBe(true);
    expect(calls({ id: "other" })).toBe(true);
    expect(calls({ id: "other", scope: "elsewhere" })).toBe(false);
    expect(calls({ id: "other", state: "ended" })).toBe(false);
    expect(calls({}, { history_changed: true })).toBe(true);
    expect(calls({ id: "other", scope: "elsewhere" }, { isWhole: true })).toBe(true);
    state = { ...state, viewing: true };
    expect(calls({ id: "other" })).toBe(false);
  });
});

it("of an old chat that came late does not make it look open", () => {
  const over: Session = { ...session, state: "ended", last_activity_at: "2026-11-22T12:00:09.000000Z" };
  state = { ...state, session: over, viewing: true };
  expect(updated(state, news({ sessions: [session] }))).toMatchObject({ viewing: true, session: { state: "ended" } });
});
