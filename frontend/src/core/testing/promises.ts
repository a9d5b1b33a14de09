import { place } from "../historyRows.js";
import type { HistorySnapshot } from "../historySnapshot.js";
import type { ChatSnapshot } from "../snapshot.js";
import type { Message, Session } from "../wire.js";
import type { FakeBrowser } from "./chatBench.js";
import type { MemoryServer } from "./memoryServer.js";
import { type Story, UNHEALED } from "./story.js";
import type { StoryTab } from "./storyTab.js";

type Complaints = Iterable<string>;

/** What a story must have kept when everything has worked again for a while; each says how it was broken. */
const OF_ALL: Record<string, (story: Story) => Complaints> = {
  "no word is lost": lost,
  "none is stored twice": doubled,
  "what is stored is not kept as unsent": keptThoughStored,
  "nobody's words are stored as somebody else's": underAnother,
  "nobody asks sooner than they were told to": ({ net }) => net.hasty,
};

const OF_EACH_TAB: Record<string, (tab: StoryTab, story: Story) => Complaints> = {
  "each verb settles": ({ unsettled }) => unsettled.values(),
  "nothing goes back": ({ witness }) => witness.seen,
  "what is stored is not shown as unsent": unsentThoughStored,
  "nothing of somebody else's stays": (tab, story) => story.notFor(tab),
  "it heals by itself": ({ unhealed }) => unhealed,
  "everything heals": unhealed,
  "what is shown is what the server has": shownWrongly,
  "the next message goes where the reader sees it go": elsewhere,
  "the history is what the server has": ({ history }, story) =>
    listedWrongly(history.getSnapshot(), rows(story, false)),
  "what is found is what is listed where nothing is searched": foundWrongly,
  "so are the archived": ({ history }, story) => listedWrongly(history.archived().getSnapshot(), rows(story, true)),
};

/** Before anybody comes back to a tab that is looked at all the time: what it does not know, it must say. */
export function* stale(tab: StoryTab, story: Story): Complaints {
  const { status, error } = tab.store.getSnapshot();
  if (UNHEALED.includes(status)) yield status;
  if (story.net.refused.size === 0) for (const word of story.notFor(tab)) yield `${word} is still there`;
  // That a chat is deleted which the answer of its first message has just shown, is known by the next read.
  const { id } = tab.store.getSnapshot().session ?? { id: "" };
  const knows = error === null && story.net.refused.size === 0 && !story.net.misled.has(tab.name);
  if (knows && story.bench.server.find(id)) {
    yield* shownWrongly(tab, story);
    yield* elsewhere(tab, story);
  }
  for (const [name, list] of Object.entries(tab.lists)) {
    const { status, error } = list.getSnapshot();
    if (status === "ready" && error === null && story.net.unread.has(`${tab.name} ${name}`))
      yield `${name} is not read`;
  }
}

export function broken(story: Story): string[] {
  const all = Object.entries(OF_ALL).flatMap(([name, check]) => said(name, check(story)));
  const each = story.tabs.flatMap((tab) =>
    Object.entries(OF_EACH_TAB).flatMap(([name, check]) => said(`${tab.name}: ${name}`, check(tab, story))),
  );
  return [...all, ...each];
}

/** When nobody is there any more. */
export function left({ bench }: Story): string[] {
  const { timers, server } = bench;
  return timers.count + server.streams.count === 0
    ? []
    : [`nothing goes on: ${timers.count} timers, ${server.streams.count} streams`];
}

function said(name: string, complaints: Complaints): string[] {
  return [...complaints].map((what) => `${name}: ${what}`);
}

/** As which reader the server has it. */
function* underAnother(story: Story): Complaints {
  if (story.people.length === 0) return;
  for (const [reader, messages] of story.bench.server.said) {
    const person = reader.startsWith("visitor") ? "" : reader;
    for (const word of storedWords(messages)) if (!story.mayBeOf(word, person)) yield `${word} is ${reader}'s`;
  }
}

/** Of what a visitor has said, nobody can say whose it is once others have come, nor whether the login has moved it. */
function wordsOfKnown({ words, writers, people }: Story): string[] {
  return [...words].filter((word) => people.length === 0 || !writers.get(word)?.has(""));
}

function* lost(story: Story): Complaints {
  const { ownerless, tabs, bench, people } = story;
  // What could not be kept waits behind an old chat, where nobody sees it.
  if (tabs.some(({ store }) => store.getSnapshot().readOnly && !store.getSnapshot().durable)) return;
  const stored = storedWords([...bench.server.said.values()].flat());
  const shown = tabs.flatMap(({ store }) => wordsHere(store.getSnapshot()));
  // Nor is shown what waits for who is not there.
  const kept =
    mayHide(tabs) || bench.browser.wasBlocked || people.length > 0 ? keptIn(bench.browser).flatMap(wordsIn) : [];
  const found = new Set([...stored, ...shown, ...kept, ...ownerless]);
  for (const word of wordsOfKnown(story)) if (!found.has(word)) yield word;
}

function* doubled(story: Story): Complaints {
  const { takenBack, bench } = story;
  const stored = storedWords([...bench.server.said.values()].flat());
  for (const word of wordsOfKnown(story))
    if (!takenBack.has(word) && stored.filter((one) => one === word).length > 1) yield word;
}

/** What is kept is shown, too, but where an old chat is. */
function mayHide(tabs: readonly StoryTab[]): boolean {
  return tabs.some(({ store }) => store.getSnapshot().readOnly);
}

function* keptThoughStored({ words, tabs, bench, people }: Story): Complaints {
  // What one has sent waits in their own storage for their return, too.
  if (people.length > 0 || mayHide(tabs) || bench.browser.wasBlocked) return;
  const stored = wordsOfChats(bench.server);
  for (const word of keptIn(bench.browser).flatMap(wordsIn)) if (words.has(word) && stored.includes(word)) yield word;
}

function* unsentThoughStored({ store }: StoryTab, { bench }: Story): Complaints {
  const stored = wordsOfChats(bench.server);
  for (const { content, state } of store.getSnapshot().pending) {
    for (const word of wordsIn(content)) if (stored.includes(word)) yield `${word} ${state}`;
  }
}

function* unhealed({ store, history }: StoryTab, { bench }: Story): Complaints {
  const { status, loadingOlder, running, session } = store.getSnapshot();
  if (UNHEALED.includes(status)) yield status;
  if (loadingOlder) yield "loads older messages";
  // Of an old chat that another device has deleted, a page that shows it does not know.
  if (running !== null && bench.server.find(session?.id ?? "")) yield `the reply is ${running}`;
  for (const { status, loadingMore, search } of [history, history.archived()].map((one) => one.getSnapshot())) {
    if (status !== "ready") yield `the history is ${status}`;
    if (loadingMore) yield "the history loads more";
    if (search === "asking") yield "the history searches";
  }
}

/** Of an old chat that is deleted without a word, as where that answer is lost, a page that shows it does not know. */
function* shownWrongly({ store }: StoryTab, { bench, removed }: Story): Complaints {
  const { session, messages, hasOlder, readOnly } = store.getSnapshot();
  if (session === null) return;
  const real = bench.server.find(session.id);
  if (real === undefined) {
    if (!readOnly || removed.has(session.id)) yield `${session.id} is gone`;
    return;
  }
  const isOver = readOnly && session.state !== "active" && real.state !== "active";
  if (!isSame(session, isOver ? { ...real, state: session.state, end_reason: session.end_reason } : real))
    yield `${rowOf(session)} is ${rowOf(real)}`;
  const stored = bench.server.messages.filter((message) => message.session === real.id).map(lineOf);
  const shown = messages.map(lineOf);
  const expected = hasOlder ? stored.slice(-shown.length) : stored;
  if (shown.join() !== expected.join()) yield `${shown.join(", ")} is ${expected.join(", ")}`;
}

function* elsewhere({ store }: StoryTab, { bench }: Story): Complaints {
  const { session, readOnly } = store.getSnapshot();
  const open = bench.server.sessions.find(({ state }) => state === "active");
  if (open && !readOnly && session?.id !== open.id) yield `${session?.id} is shown, ${open.id} is open`;
}

function* listedWrongly({ sessions, hasMore }: HistorySnapshot, real: readonly Session[]): Complaints {
  const shown = sessions.map(rowOf);
  const expected = (hasMore ? real.slice(0, shown.length) : real).map(rowOf);
  if (shown.join() !== expected.join()) yield `\n${shown.join("\n")}\nis\n${expected.join("\n")}`;
}

function* foundWrongly({ history }: StoryTab): Complaints {
  const { query, found, sessions } = history.getSnapshot();
  if (query === "" && found.length !== sessions.length) yield found.map(rowOf).join("\n");
}

function rows({ bench }: Story, isArchived: boolean): Session[] {
  const all = bench.server.sessions.filter(({ archived_at }) => (archived_at !== null) === isArchived);
  return all.sort((a, b) => (place(a) < place(b) ? 1 : -1));
}

function rowOf({ id, state, title, pinned_at, running, message_count, preview }: Session): string {
  return `${id} ${state} “${title}” “${preview}” ${message_count}${pinned_at === null ? "" : " pinned"}${running ? " running" : ""}`;
}

/** In what a chat shows of it; its name stands in the history alone. */
function isSame(shown: Session, real: Session): boolean {
  return (["state", "message_count", "running", "end_reason"] as const).every((name) => shown[name] === real[name]);
}

function lineOf({ role, content, state }: Message): string {
  return `${role} “${content}” ${state}`;
}

function storedWords(messages: readonly Message[]): string[] {
  return messages.flatMap(({ content }) => wordsIn(content));
}

function wordsHere({ pending, draft }: ChatSnapshot): string[] {
  return [draft, ...pending.map(({ content }) => content)].flatMap(wordsIn);
}

/** Each of a reader's words stands in a line of its own. */
function wordsIn(text: string): string[] {
  return text.split("\n");
}

/** Not of those that are deleted. */
function wordsOfChats(server: MemoryServer): string[] {
  return storedWords(server.messages.filter(({ session }) => server.find(session)));
}

/** The messages that wait in the browser's storage. */
function keptIn({ storage }: FakeBrowser): string[] {
  return [...storage.values.values()].map((value) => {
    const { content, draft } = JSON.parse(value);
    return content ?? draft ?? "";
  });
}
