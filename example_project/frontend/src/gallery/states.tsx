import type { Conflict } from "django-chat-sessions";
import { MarkdownContent } from "django-chat-sessions/markdown";
import { ChatHistory, ChatWidget, type ChatWidgetProps, SessionStatus, type Words } from "django-chat-sessions/ui";
import type { ReactNode } from "react";
import { CONVERSATION, LONG_ADDRESS, LONG_ANSWER, LONG_WORD, MANY, QUESTION } from "./samples";
import type { Step } from "./steps";
import { answered, asked, expiredSession, minutesAgo, type Still, session } from "./stillChat";
import { pastSessions, type StillHistory } from "./stillHistory";

export interface GalleryState {
  /** In the address, and in the names of tests and pictures. */
  name: string;
  title: string;
  chat: Still;
  history: StillHistory;
  show: (words: Partial<Words>) => ReactNode;
  /** The room that a host would give it: a line, a card, a whole page, a column, or a corner of a bar. */
  room: "line" | "card" | "page" | "column" | "corner";
  /** What to press or to type until it looks as its title says. */
  steps: readonly Step[];
}

export interface GalleryGroup {
  title: string;
  about: string;
  states: readonly GalleryState[];
}

// Every state is one entry below: its name, its title, and what is special about it.

const STATUS: readonly GalleryState[] = [
  status("status-loading", "Loading", { status: "loading", session: null }),
  status("status-new", "New", { status: "new" }),
  status("status-active", "Active", {}),
  status("status-resumed", "Resumed", { status: "resumed" }),
  status("status-reopened", "Reopened", { status: "reopened" }),
  status("status-expiring", "Expiring, at 0:45", { status: "expiring", remainingSeconds: 45 }),
  status("status-expiring-soon", "Expiring, at 0:09", { status: "expiring", remainingSeconds: 9 }),
  status("status-expired", "Expired", { status: "expired", session: expiredSession() }),
  status("status-ended", "Ended", { status: "ended", session: expiredSession({ state: "ended", end_reason: "user" }) }),
  status("status-offline", "Offline", { status: "offline" }),
  status("status-offline-not-durable", "Offline, and the browser keeps nothing", { status: "offline", durable: false }),
  status("status-reconnecting", "The server does not answer", { status: "reconnecting" }),
  status("status-waiting", "Waiting for an answer", { running: "waiting" }),
  status("status-writing", "An answer is written", { running: "writing" }),
  status("status-reconnecting-answer", "The connection to an answer is lost", { running: "reconnecting" }),
];

const CHAT: readonly GalleryState[] = [
  card("chat-empty", "Nothing said yet", { status: "new" }),
  card("chat-loading", "Loading", { status: "loading" }),
  card("chat-sources", "An answer with its sources", { said: CONVERSATION }),
  card("chat-long-answer", "A long answer, with code, lists and a table", { said: [QUESTION, answered(LONG_ANSWER)] }),
  widget(
    "chat-markdown",
    "The same as Markdown",
    "card",
    { said: [QUESTION, answered(LONG_ANSWER)] },
    { slots: { Content: MarkdownContent } },
  ),
  card("chat-waiting", "Waiting for an answer", {
    said: [QUESTION, answered("", { state: "pending" })],
    running: "waiting",
  }),
  card("chat-writing", "An answer is written", {
    said: [QUESTION, answered("Water has a high specific heat capacity: it takes up", { state: "running" })],
    running: "writing",
  }),
  card("chat-reconnecting-answer", "The connection to an answer is lost", {
    said: [QUESTION, answered("Water has a high specific heat", { state: "running" })],
    running: "reconnecting",
  }),
  card("chat-failed", "An answer that failed", {
    said: [QUESTION, answered("", { state: "failed", error: "The language model did not answer in time." })],
  }),
  card("chat-stopped", "An answer that was stopped", {
    said: [QUESTION, answered("Water has a high specific heat", { state: "stopped" })],
  }),
  card("chat-interrupted", "An answer that was interrupted", {
    said: [QUESTION, answered("Water has a high", { state: "interrupted" })],
  }),
  card("chat-older-messages", "More was said before", { said: CONVERSATION, hasOlder: true }),
  card("chat-many-messages", "Two hundred messages", { said: MANY, hasOlder: true }),
  card("chat-draft", "A question that is half written", {
    said: CONVERSATION,
    draft: "And why is it\nstill warm in October,\nwhen the air is cold again?",
  }),
];

const OUTBOX: readonly GalleryState[] = [
  card("message-sending", "On its way", { said: CONVERSATION, pending: [{ content: "And in autumn?" }] }),
  card("message-queued", "Waiting for the connection", {
    status: "offline",
    said: CONVERSATION,
    pending: [
      { content: "And in autumn?", state: "queued" },
      { content: "And in a lake?", state: "queued" },
    ],
  }),
  card("message-queued-not-durable", "Waiting, where the browser keeps nothing", {
    status: "offline",
    durable: false,
    said: CONVERSATION,
    pending: [{ content: "And in autumn?", state: "queued" }],
  }),
  card("message-not-sent", "The server could not be reached", {
    said: CONVERSATION,
    pending: [failed({ code: "network", message: "The server could not be reached." })],
  }),
  card("message-turn-in-progress", "An answer is still being written", {
    said: [...CONVERSATION, asked("And in a lake?"), answered("A lake is", { state: "running" })],
    running: "writing",
    pending: [failed(conflict("turn_in_progress"))],
  }),
  card("message-session-ended", "The chat has ended meanwhile", {
    status: "ended",
    session: expiredSession({ state: "ended" }),
    said: CONVERSATION,
    pending: [failed(conflict("session_ended", session({ id: "another-session" })))],
  }),
  card("message-refused", "Too long for the server", {
    said: CONVERSATION,
    pending: [failed({ code: "too_long", message: "A message may have up to 20,000 characters." })],
  }),
];

const SESSIONS: readonly GalleryState[] = [
  card("session-resumed", "Back within five minutes", { status: "resumed", said: CONVERSATION }),
  card("session-expiring", "Soon over", { status: "expiring", remainingSeconds: 45, said: CONVERSATION }),
  card("session-expired", "Over, and not lost", { status: "expired", session: expiredSession(), said: CONVERSATION }),
  card("session-previous", "Back later", {
    status: "expired",
    arrival: { status: "new", reason: "idle", previous: expiredSession() },
    previous: expiredSession(),
  }),
  card("session-boundary", "A new chat after a break", {
    status: "new",
    before: { said: CONVERSATION, reason: "idle", seconds: 720 },
    said: [asked("And in autumn?"), answered("Then the sea is slow to cool down, for the same reason.")],
  }),
  card("session-boundary-by-hand", "A new chat because somebody wanted it", {
    status: "new",
    before: { said: CONVERSATION, reason: "user", seconds: 40 },
    said: [asked("And in autumn?"), answered("Then the sea is slow to cool down, for the same reason.")],
  }),
  card("session-older", "Reading an older chat", {
    status: "ended",
    readOnly: true,
    session: expiredSession(),
    said: CONVERSATION,
  }),
  card("session-offline", "Offline", { status: "offline", said: CONVERSATION }),
  card("session-error", "Something went wrong", {
    said: CONVERSATION,
    error: { code: "unavailable", message: "The chat is being updated. Try again in a minute.", field: null },
  }),
  card("session-not-loaded", "The chat could not be loaded", {
    status: "loading",
    error: { code: "unexpected", message: "The server answered with status 500.", field: null },
  }),
];

const WORDS: readonly GalleryState[] = [
  card("words-long", "Words that are too long for a line", {
    said: [asked(LONG_WORD), answered(`The longest address is ${LONG_ADDRESS}, and the longest word ${LONG_WORD}.`)],
  }),
  card("words-right-to-left", "Right to left", {
    said: [
      asked("لماذا يسخن البحر ببطء في الربيع؟"),
      answered(
        "للماء سعة حرارية نوعية عالية: يمتص كثيرًا من الطاقة (4186 J) قبل أن ترتفع حرارته.\n\nSo it is in English.",
      ),
      asked("למה הים מתחמם לאט?"),
      answered("כי צריך הרבה אנרגיה כדי לחמם מים."),
    ],
  }),
  card("words-emoji", "Emoji, and letters of many marks", {
    said: [asked("🌊🔥❓"), answered("👩‍🔬 says: it takes 4186 J 🙂\n\n👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪 é ñ ป์ ก็ Z͑ͫ̓a̴l͖g̙o 漢字 한국어")],
  }),
  card("words-as-they-are", "What looks like HTML", {
    said: [
      asked("<b>bold</b> & <script>alert(1)</script>"),
      answered("<img src=x onerror=alert(1)> stays what it is."),
    ],
  }),
];

const LAYOUTS: readonly GalleryState[] = [
  widget("layout-panel", "Panel", "card", { said: CONVERSATION }, {}),
  widget(
    "layout-panel-history",
    "Panel, with the history in its header",
    "card",
    { said: CONVERSATION },
    { history: "dropdown" },
  ),
  widget("layout-floating", "Floating, closed", "page", { said: CONVERSATION }, { layout: "floating" }),
  {
    ...widget("layout-floating-open", "Floating, open", "page", { said: CONVERSATION }, { layout: "floating" }),
    steps: [{ press: ".dcs-launcher" }],
  },
  widget("layout-full", "Full page", "page", { said: CONVERSATION }, { layout: "full" }),
  widget(
    "layout-full-history",
    "Full page, with the history beside it",
    "page",
    { said: CONVERSATION },
    { layout: "full", history: "sidebar" },
  ),
];

/** What was found has been said, below what is found or in place of it. */
const SEARCHED = ":is(.dcs-history-group, .dcs-history-note) + [role=status]:not(:empty)";

const HISTORY: readonly GalleryState[] = [
  column("history-loading", "Loading", {}),
  column("history-empty", "No chats yet", { sessions: [] }),
  column("history-thirty", "Thirty chats", { sessions: pastSessions(30), hasMore: true }),
  column("history-unread", "An answer that is not read yet", { sessions: withSecond({ unread: true }) }),
  column("history-running", "An answer that is being written", {
    sessions: withSecond({ running: true, state: "active" }),
  }),
  {
    ...column("history-opening", "A chat that is being opened", { sessions: pastSessions(4) }, [
      { press: "li:nth-child(2) > .dcs-history-open" },
    ]),
    chat: { said: CONVERSATION, isSlow: true },
  },
  column("history-long-title", "Titles that are too long, and none", {
    sessions: [
      session({ id: "a", title: LONG_WORD, preview: LONG_ADDRESS }),
      session({ id: "b", title: "", preview: "" }),
    ],
  }),
  column("history-error", "The chats could not be loaded", { isUnreachable: true }),
  column("history-more-failed", "The next page could not be loaded", { sessions: pastSessions(8), hasMore: true }, [
    { press: ".dcs-older" },
  ]),
  column("history-none-found", "No chat matches", { sessions: pastSessions(8) }, [
    { type: "gravity", into: ".dcs-search input" },
    { see: SEARCHED },
  ]),
  column("history-found", "Found in a message", { sessions: pastSessions(8) }, [
    { type: "energy", into: ".dcs-search input" },
    { see: SEARCHED },
  ]),
  column("history-menu", "What can be done with a chat", { sessions: pastSessions(4) }, [
    { press: "[aria-haspopup=menu]" },
  ]),
  column("history-renaming", "A chat gets another title", { sessions: pastSessions(4) }, [
    { press: "[aria-haspopup=menu]" },
    { press: "[data-verb=rename]" },
  ]),
  column("history-removed", "Deleted, and the way back", { sessions: pastSessions(4) }, [
    { press: "[aria-haspopup=menu]" },
    { press: "[data-verb=remove]" },
  ]),
  column("history-pinned", "Pinned chats come first", { sessions: withSecond({ pinned_at: minutesAgo(1) }) }),
  column("history-archived", "Chats that were put away", { sessions: withSecond({ archived_at: minutesAgo(1) }) }, [
    { press: ".dcs-history-head > button" },
  ]),
  column("history-none-archived", "None was put away", { sessions: pastSessions(4) }, [
    { press: ".dcs-history-head > button" },
  ]),
  corner("history-dropdown", "Dropdown, closed", { sessions: pastSessions(8) }, []),
  corner("history-dropdown-open", "Dropdown, open", { sessions: pastSessions(12), hasMore: true }, [
    { press: ".dcs-history-dropdown > button" },
  ]),
];

export const GALLERY: readonly GalleryGroup[] = [
  { title: "Session status", about: "Where the session stands, in words.", states: STATUS },
  { title: "Conversation", about: "What is asked and answered.", states: CHAT },
  { title: "Messages on their way", about: "Nobody’s words are lost.", states: OUTBOX },
  { title: "Sessions", about: "A break ends a chat, and one click continues it.", states: SESSIONS },
  { title: "Words", about: "Any language, any length.", states: WORDS },
  { title: "Layouts", about: "The same chat, in the room that a page has for it.", states: LAYOUTS },
  { title: "History", about: "All chats, one glance away.", states: HISTORY },
];

export const GALLERY_STATES: readonly GalleryState[] = GALLERY.flatMap(({ states }) => states);

function status(name: string, title: string, chat: Still): GalleryState {
  const still: Still = { session: session(), ...chat };
  return {
    name,
    title,
    chat: still,
    history: {},
    show: (words) => <SessionStatus words={words} />,
    room: "line",
    steps: [],
  };
}

function card(name: string, title: string, chat: Still): GalleryState {
  return widget(name, title, "card", chat, {});
}

function widget(
  name: string,
  title: string,
  room: GalleryState["room"],
  chat: Still,
  props: ChatWidgetProps,
): GalleryState {
  const show = (words: Partial<Words>) => <ChatWidget title="Physics" words={words} {...props} />;
  return { name, title, chat, history: { sessions: pastSessions(12) }, show, room, steps: [] };
}

function column(name: string, title: string, history: StillHistory, steps: readonly Step[] = []): GalleryState {
  const show = (words: Partial<Words>) => <ChatHistory words={words} />;
  return { name, title, chat: { said: CONVERSATION }, history, show, room: "column", steps };
}

function corner(name: string, title: string, history: StillHistory, steps: readonly Step[]): GalleryState {
  const show = (words: Partial<Words>) => <ChatHistory variant="dropdown" words={words} />;
  return { name, title, chat: { said: CONVERSATION }, history, show, room: "corner", steps };
}

function failed(reason: Conflict | { code: "network" | "too_long"; message: string }) {
  const asConflict = "session" in reason ? reason : null;
  const problem = { code: reason.code, message: reason.message, field: null };
  return { content: "And in autumn?", state: "failed", problem, conflict: asConflict } as const;
}

function conflict(code: Conflict["code"], current: Conflict["current"] = null): Conflict {
  return { code, message: "", field: null, session: session(), current, running: null };
}

/** Four sessions, and something to tell about the second. */
function withSecond(facts: Partial<ReturnType<typeof session>>) {
  return pastSessions(4).map((one, index) =>
    index === 1 ? { ...one, ...facts, last_message_at: minutesAgo(2) } : one,
  );
}
