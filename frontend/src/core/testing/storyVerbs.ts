import { joinedText } from "../chatState.js";
import type { PageSignal } from "../pageSignals.js";
import { runningReply } from "../transcript.js";
import type { Story } from "./story.js";
import type { StoryTab } from "./storyTab.js";

/** What it returns must be settled one day. */
type StoryVerb = (story: Story, tab: StoryTab) => unknown;

/** What a reader does in a chat. */
const CHATTING: Record<string, StoryVerb> = {
  send: (story, tab) => sendIn(story, tab, story.newWord("w")),
  "send again": (story, tab) => sendIn(story, tab, story.newWord("w")),
  "send once more": (story, tab) => sendIn(story, tab, story.newWord("w")),
  "type and send": typeAndSend,
  type,
  "send what is in the field": sendDraft,
  retry,
  discard,
  startNew: (_, { store }) => store.startNew(),
  end: (_, { store }) => store.end(),
  stop,
  keep: (_, { store }) => store.keep(),
  touch: (_, { store }) => store.touch(),
  retryReply: (_, { store }) => store.retryReply(),
  load: (_, { store }) => store.load(),
  open: (story, tab) => open(tab, someSession(story, tab)),
  "open two": (story, tab) => [1, 2].map(() => open(tab, someSession(story, tab))).at(-1),
  openCurrent,
  reopen: (story, tab) => tab.store.reopen(someSession(story, tab)),
  loadOlder: (_, { store }) => store.loadOlder(),
  hide: ({ chance }, { store }) => store.hide(chance.happens(0.5)),
};

/** What a reader does in the history. */
const ORGANISING: Record<string, StoryVerb> = {
  rename: (story, tab) => tab.history.rename(someSession(story, tab), story.newWord("Title ")),
  pin: (story, tab) => tab.history.pin(someSession(story, tab), story.chance.happens(0.5)),
  archive: (story, tab) => tab.history.archive(someSession(story, tab), true),
  unarchive: (story, tab) => tab.history.archived().archive(someSession(story, tab), false),
  remove,
  restore: ({ bench, chance }, { history }) => history.restore(chance.choose(bench.server.deletedIds) ?? "none"),
  search: ({ chance }, { history }) => history.setQuery(chance.happens(0.5) ? "Old" : ""),
  loadMore: (_, { history }) => history.loadMore(),
  refresh: (_, { history }) => history.refresh(),
  "try again": (_, { history }) => history.retry(),
};

/** What happens to them. */
const HAPPENING: Record<string, StoryVerb> = {
  "the reply grows": ({ bench }) => isAnswering(bench.server.messages) && bench.server.write("Bec"),
  "the reply ends": ({ bench }) => bench.server.finishAll("Because."),
  "the reply ends soon": ({ bench }) => bench.server.finishAll("Because."),
  "the reply fails": ({ bench }) => isAnswering(bench.server.messages) && bench.server.finish("Bec", "failed"),
  "the reply is interrupted": ({ bench }) =>
    isAnswering(bench.server.messages) && bench.server.finish("Bec", "interrupted"),
  "another worker begins anew": ({ bench }) => isAnswering(bench.server.messages) && bench.server.beginAnew(),
  "the stream ends": ({ bench }) => bench.server.streams.end(),
  "the stream is cut": ({ bench }) => bench.server.streams.cut(),
  "the stream falls silent": ({ bench }) => {
    bench.server.streams.isSilent = true;
  },
  "the server is another version": ({ bench }) => {
    bench.server.streams.cut();
    bench.server.forgetCursors();
  },
  ...Object.fromEntries(
    (["offline", "online", "visible", "hidden", "restored"] satisfies PageSignal[]).map((signal) => [
      signal,
      (_: Story, { page }: StoryTab) => page.signal(signal),
    ]),
  ),
  "wait 5 seconds": (story) => story.pass(5000),
  "wait 40 seconds": (story) => story.pass(40_000),
  "wait until it expires": ({ bench }) => bench.timers.sleep(290_000),
  reconnect: (story, tab) => story.reconnect(tab),
  "another device renames": (story) => elsewhere(story, "PATCH", "", { title: story.newWord("Title ") }),
  "another device archives": (story) => elsewhere(story, "PATCH", "", { archived: true }),
  "another device removes": (story) => elsewhere(story, "DELETE"),
  "another device ends": (story) => elsewhere(story, "POST", "/end"),
  "another device reopens": (story) => elsewhere(story, "POST", "/reopen"),
  "another device starts": (story) => request(story, "POST", "/sessions", { scope: "" }),
  "another device sends": sendElsewhere,
  "all is erased": eraseAll,
  "the storage is full": ({ bench }) => {
    bench.browser.storage.room = 0;
  },
  "the storage has room": ({ bench }) => {
    bench.browser.storage.room = Number.POSITIVE_INFINITY;
  },
  "the storage is blocked": ({ bench, chance }) => {
    bench.browser.isBlocked = chance.happens(0.5);
    bench.browser.wasBlocked ||= bench.browser.isBlocked;
  },
  "the clock is set": (story) => {
    story.clockIsAhead = story.chance.choose([0, -90_000, 90_000, 4_000_000]) ?? 0;
  },
  "open a tab": (story) => story.openTab(),
  freeze: (_, tab) => tab.freeze(),
  crash: (story, tab) => story.crash(tab),
  reload: (story, tab) => story.reload(tab),
};

/** No tab of this browser is told, and nothing goes wrong. */
function request({ bench }: Story, method: string, path: string, body?: object): Promise<Response> {
  return bench.server.fetch(`/chat${path}`, { method, body: JSON.stringify(body) ?? null });
}

function elsewhere(story: Story, method: string, verb = "", body?: object): Promise<Response> {
  const { id } = story.chance.choose(story.bench.server.sessions) ?? { id: "none" };
  return request(story, method, `/sessions/${id}${verb}`, body);
}

/** To the chat that is open, or in a new one. */
function sendElsewhere(story: Story): Promise<Response> {
  return request(story, "POST", "/messages", { key: story.newWord("key-"), content: story.newWord("theirs-") });
}

/** As the reader has asked the host for: nothing can be restored, and whoever sends it again has it stored again. */
function eraseAll({ bench: { server }, takenBack }: Story): void {
  for (const { content } of server.messages) for (const word of content.split("\n")) takenBack.add(word);
  server.eraseAll();
}

/** Who is at the browser. */
const CHANGES: Record<string, StoryVerb> = {
  "somebody logs in": (story, tab) => story.become(tab, story.chance.choose(story.people) ?? ""),
  "somebody else logs in": (story, tab) => story.become(tab, story.chance.choose(story.people) ?? ""),
  "logs out": (story, tab) => story.become(tab, ""),
};

type Step = (story: Story, tab: StoryTab) => Promise<unknown>;

/** Nobody waits for what a reader has asked for before something else happens. */
const asked = ([name, verb]: [string, StoryVerb]): [string, Step] => [
  name,
  async (story, tab) => tab.awaits(name, verb(story, tab)),
];

const happening = ([name, happen]: [string, StoryVerb]): [string, Step] => [
  name,
  async (story, tab) => happen(story, tab),
];

export const STEPS: readonly [string, Step][] = [
  ...[CHATTING, ORGANISING].flatMap(Object.entries<StoryVerb>).map(asked),
  ...Object.entries(HAPPENING).map(happening),
];

export const COMING_AND_GOING: readonly [string, Step][] = Object.entries(CHANGES).map(happening);

function sendIn(story: Story, { store, owner }: StoryTab, text: string): void {
  // Before it is shown, which the witness sees. What is sent before the server has said who is there bears no name.
  story.wrote(text, owner, store.getSnapshot().arrival ? story.person : "");
  if (store.send(text) !== null) for (const word of text.split("\n")) story.words.add(word);
}

function typeAndSend(story: Story, tab: StoryTab): void {
  const word = story.newWord("w");
  if (tab.store.getSnapshot().draft === "") tab.store.setDraft(word);
  sendIn(story, tab, word);
}

/** It stays in the field until somebody sends it. */
function type(story: Story, { store, owner }: StoryTab): void {
  const { draft, arrival } = store.getSnapshot();
  const word = story.newWord("w");
  story.wrote(word, owner, arrival ? story.person : "");
  story.words.add(word);
  store.setDraft(joinedText(draft, word));
}

/** Another tab may show the same words: who sends them in both has sent them twice. */
function sendDraft(story: Story, tab: StoryTab): void {
  if (story.tabs.length === 1) sendIn(story, tab, tab.store.getSnapshot().draft);
}

function retry(story: Story, { store }: StoryTab): unknown {
  const { chance } = story;
  const message = chance.choose(store.getSnapshot().pending);
  if (message === undefined) return;
  if (message.state === "failed") story.resends(message.content);
  if (message.conflict === null) return store.retry(message.key);
  return chance.happens(0.5) ? store.retryInEnded(message.key) : store.retryInCurrent(message.key);
}

/** What the server has although nobody could know, its reader may send again. */
function discard({ chance, takenBack, bench }: Story, { store }: StoryTab): void {
  const message = chance.choose(store.getSnapshot().pending);
  if (message === undefined) return;
  store.discard(message.key);
  const isStored = bench.server.messages.some(({ content }) => content === message.content);
  if (isStored) for (const word of message.content.split("\n")) takenBack.add(word);
}

function open({ store, witness }: StoryTab, id: string): Promise<void> {
  witness.chose(id);
  return store.open(id);
}

function openCurrent(_: Story, { store, witness }: StoryTab): Promise<void> {
  witness.chose(null);
  return store.openCurrent();
}

async function remove(story: Story, tab: StoryTab): Promise<void> {
  const id = someSession(story, tab);
  if (!(await tab.history.remove(id))) return;
  // That answer may be late, and it may have been restored since.
  if (!story.bench.server.find(id)) story.removed.add(id);
  for (const { witness, isConnected, thaw } of story.tabs)
    if (isConnected && !thaw && tab.isConnected) witness.removed(id);
}

async function stop({ bench }: Story, { store, witness }: StoryTab): Promise<void> {
  const reply = runningReply(store.getSnapshot().messages);
  if (!(await store.stop()) || !reply) return;
  const last = bench.server.messages.findLast(({ session }) => session === reply.session);
  if (last?.id === reply.id) witness.stopped(reply);
}

function someSession({ bench, chance }: Story, { store }: StoryTab): string {
  const shown = store.getSnapshot().session;
  const ids = bench.server.sessions.map(({ id }) => id);
  return chance.choose(shown ? [...ids, shown.id] : ids) ?? "none";
}

/** Whether the reply that the server is asked to change is under way. */
function isAnswering(messages: Story["bench"]["server"]["messages"]): boolean {
  const state = messages.findLast(({ role }) => role === "assistant")?.state;
  return state === "pending" || state === "running";
}
