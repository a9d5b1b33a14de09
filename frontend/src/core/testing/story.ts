import type { KeptMessage } from "../outbox.js";
import type { ChatSnapshot, ChatStatus } from "../snapshot.js";
import type { Message } from "../wire.js";
import { Chance } from "./chance.js";
import { ChatBench } from "./chatBench.js";
import { FaultyFetch } from "./faultyFetch.js";
import { stale } from "./promises.js";
import { StoryTab, type StoryTabOptions } from "./storyTab.js";
import { COMING_AND_GOING, STEPS } from "./storyVerbs.js";

const LENGTH = 25; // steps
const PAUSE = 2500; // milliseconds at most between two steps, where there is one
/** The longest request, and the longest pause before the next. */
const PATIENCE = 65_000;
export const UNHEALED: readonly ChatStatus[] = ["loading", "reconnecting", "offline"];
/** How long everything works before it is asked whether all is well: the longest pause between attempts is 30 s. */
const RECOVERY = { seconds: 150, by: 5 };

/** One reader with one or more tabs, and all that happens to them, as a seed determines it. */
export class Story {
  readonly bench = new ChatBench();
  readonly chance: Chance;
  readonly net: FaultyFetch;
  readonly tabs: StoryTab[] = [];
  /** What the reader has sent, and has not lost with a tab whose field it had returned to. */
  readonly words = new Set<string>();
  /** Those that had returned to their reader, or to whoever came next, although the server has them. */
  readonly takenBack = new Set<string>();
  /** Whose each word may be: who had loaded the page, and who was logged in when it was sent. */
  readonly writers = new Map<string, Set<string>>();
  /** Who is logged in; "" where nobody is. */
  person: string;
  /** The sessions of which the reader was told that they are deleted, and which have not been restored since. */
  readonly removed = new Set<string>();
  /** What was kept when a tab let go of it. */
  private readonly letGo: Partial<KeptMessage>[] = [];
  /** How far the device's clock has been set ahead, in milliseconds. */
  clockIsAhead = 0;
  /** What has happened, for whoever has to find out what went wrong. */
  readonly log: string[] = [];
  private readonly options: Omit<StoryTabOptions, "name" | "owner">;
  private readonly most: number;
  readonly people: readonly string[];
  private readonly began: number;
  private readonly crashed: StoryTab[] = [];
  private count = 0;

  /** With `people`, some log in and out at one browser. */
  constructor(seed: number, most: number, people: readonly string[] = []) {
    this.chance = new Chance(seed);
    this.most = most;
    this.people = people;
    const { chance, bench } = this;
    const { server, timers } = bench;
    this.began = timers.now();
    server.restored = (id) => this.removed.delete(id);
    this.net = new FaultyFetch(server, timers, chance, (what) => this.note(`  ! ${what}`));
    if (chance.happens(0.5)) server.streams.refusal = null;
    if (chance.happens(0.3)) server.skew = chance.upTo(7_200_000) - 3_600_000;
    this.person = chance.happens(0.5) ? "" : "7";
    if (people.length > 0) server.become(this.person || "visitor");
    const limit = chance.happens(0.5) ? 30 : 2;
    const now = () => timers.now() + this.clockIsAhead;
    this.options = { fetchIn: this.net.fetchIn, limit, newKey: () => this.newWord("key-"), now };
  }

  /** What nobody has said yet. */
  newWord(kind: string): string {
    this.count += 1;
    return `${kind}${this.count}`;
  }

  async tell(): Promise<void> {
    await this.begin();
    for (let step = 0; step < LENGTH; step += 1) {
      const tab = this.chance.choose(this.tabs) as StoryTab;
      tab.thaw?.();
      const steps = this.people.length === 0 ? STEPS : [...STEPS, ...COMING_AND_GOING];
      const [name, happen] = this.chance.choose(steps) as (typeof STEPS)[number];
      this.net.excuse();
      this.note(`${name} in ${tab.name}: ${summaryOf(tab.store.getSnapshot())}`);
      await happen(this, tab);
      await this.pass(this.chance.happens(0.6) ? 1 : 1 + this.chance.upTo(PAUSE));
    }
  }

  /** Everything works again; the reader tries again what is said to have failed. */
  async recover(): Promise<void> {
    this.note("everything works again");
    this.net.trouble = 0;
    this.bench.browser.storage.room = Number.POSITIVE_INFINITY;
    this.bench.browser.isBlocked = false;
    this.bench.server.streams.isSilent = false;
    this.net.excuse();
    for (const tab of this.tabs) tab.thaw?.();
    for (const { page } of this.tabs) if (!page.online) page.signal("online");
    await this.pass(PATIENCE);
    // A page that nobody sees asks for no news.
    for (const tab of this.tabs) if (tab.page.visible) tab.unhealed.push(...stale(tab, this));
    for (const { page } of this.tabs) for (const signal of ["online", "visible"] as const) page.signal(signal);
    for (let passed = 0; passed < RECOVERY.seconds; passed += RECOVERY.by) {
      this.bench.server.finishAll("Because.");
      for (const { store } of this.tabs) {
        for (const { key, content, state, conflict } of store.getSnapshot().pending) {
          if (state !== "failed") continue;
          this.resends(content);
          conflict ? store.retryInCurrent(key) : store.retry(key);
        }
      }
      await this.pass(RECOVERY.by * 1000);
    }
  }

  /** Nobody is there any more; also no crashed tab in this test's window, which they have shared. */
  async leave(): Promise<void> {
    for (const tab of [...this.tabs, ...this.crashed]) tab.disconnect();
    await this.pass(60_000);
  }

  openTab(): void {
    if (this.tabs.length >= this.most) return;
    const tab = new StoryTab(this.bench, { ...this.options, name: this.newWord("tab "), owner: this.person });
    // What stood there when somebody came may stay until the page has asked whose it is. Nothing may come but what
    // another tab, whose answer was on its way, tells of whoever was there when this page asked last.
    const mayCome = (word: string) => tab.isHearing && this.mayBeOf(word, this.net.known.get(tab.name) ?? "");
    const comes = () => this.notFor(tab, tab.witness.isNew).filter((word) => !mayCome(word));
    tab.store.subscribe(() => tab.witness.looksAt(comes()));
    this.tabs.push(tab);
    for (const [name, list] of Object.entries(tab.lists)) {
      // Whoever is told of a failure tries again.
      list.subscribe(() => list.getSnapshot().error && this.net.unread.delete(`${tab.name} ${name}`));
    }
    tab.connect();
  }

  /**
   * What a visitor's tab let go of that waited for a chat which is gone, as it was deleted, and was written before the
   * server had said who is there: another tab throws it away, for nobody can say whose it is.
   */
  get ownerless(): string[] {
    const { server } = this.bench;
    const wasDeleted = (id: string) => server.seen.some(({ method, path }) => method === "DELETE" && path.endsWith(id));
    const isGone = (id: string) => server.find(id) === undefined || wasDeleted(id);
    const lost = this.people.length > 0 || this.person === "" ? this.letGo.filter(({ reader }) => !reader) : [];
    return lost.flatMap(({ session, content }) => (content && session && isGone(session) ? content.split("\n") : []));
  }

  /** Somebody sends this, or sends it again. */
  wrote(text: string, ...people: string[]): void {
    for (const word of text.split("\n"))
      this.writers.set(word, new Set([...(this.writers.get(word) ?? []), ...people]));
  }

  /** What the server has as somebody else's has failed here: whoever is there may send it as their own. */
  resends(text: string): void {
    this.wrote(text, this.person);
    const { said, reader } = this.bench.server;
    const others = [...said].flatMap(([name, messages]) => (name === reader ? [] : messages));
    for (const word of text.split("\n"))
      if (others.some(({ content }) => content.split("\n").includes(word))) this.takenBack.add(word);
  }

  /** Whether a person may have said this; what a visitor has said, whoever has logged in since may see. */
  mayBeOf(word: string, ...people: string[]): boolean {
    const writers = this.writers.get(word);
    return word === "" || writers === undefined || writers.has("") || people.some((person) => writers.has(person));
  }

  /** In a tab, the words of those who have neither loaded it nor are logged in, be it in some of its messages only. */
  notFor({ owner, store }: StoryTab, isLookedAt = (_: Message) => true): string[] {
    const { messages, pending, draft } = store.getSnapshot();
    const shown = [draft, ...[...messages.filter(isLookedAt), ...pending].map(({ content }) => content)];
    return shown.flatMap((text) => text.split("\n")).filter((word) => !this.mayBeOf(word, owner, this.person));
  }

  /** The page on which somebody logs in or out gives way to the next; others stay as they are. */
  become(tab: StoryTab, person: string): void {
    const { server } = this.bench;
    if (person === this.person) return;
    tab.page.signal("hidden");
    if (person === "") server.become(this.newWord("visitor "));
    else if (this.person === "") server.logIn(person);
    else server.become(person);
    this.person = person;
    this.crash(tab);
    this.openTab();
  }

  /** As a page does that is left and comes back. */
  async reconnect(tab: StoryTab): Promise<void> {
    if (this.tabs.length > 1) this.noteKept();
    tab.disconnect();
    await this.pass(500);
    tab.connect();
  }

  /** What is in its field comes back, unless it said that it could not keep it, or another tab may put its own there. */
  reload(tab: StoryTab): void {
    const isAlone = this.tabs.length === 1;
    tab.page.signal("hidden");
    this.crash(tab, isAlone && tab.store.getSnapshot().durable);
    if (!isAlone) this.openTab();
  }

  /** What was in its field goes with it, and what it said that it could not keep. */
  crash(tab: StoryTab, isDraftKept = false): void {
    tab.crash();
    this.noteKept();
    this.crashed.push(...this.tabs.splice(this.tabs.indexOf(tab), 1));
    const { draft, durable, readOnly, pending } = tab.store.getSnapshot();
    // What waits behind an old chat is not shown.
    if (!durable && readOnly) this.words.clear();
    const unkept = durable ? [] : pending.map(({ content }) => content);
    for (const word of [isDraftKept ? "" : draft, ...unkept].flatMap((text) => text.split("\n")))
      this.words.delete(word);
    if (this.tabs.length === 0) this.openTab();
  }

  async pass(milliseconds: number): Promise<void> {
    await this.bench.timers.advance(milliseconds);
  }

  private async begin(): Promise<void> {
    const { server } = this.bench;
    for (let number = Math.floor(this.chance.upTo(4)); number > 0; number -= 1) {
      const length = this.chance.happens(0.2) ? 120 : 2;
      const { id } = server.start("", Array(length).fill(`Old ${number}`));
      server.changeSession(id, { title: `Old ${number}`, state: "ended", end_reason: "user", expires_at: null });
      server.changeSession(id, { ended_at: new Date(server.now()).toISOString() });
      await this.pass(2000);
    }
    this.openTab();
  }

  private noteKept(): void {
    for (const kept of this.bench.browser.storage.values.values()) this.letGo.push(JSON.parse(kept));
  }

  private note(what: string): void {
    this.log.push(`${((this.bench.timers.now() - this.began) / 1000).toFixed(1).padStart(7)} ${what}`);
  }
}

function summaryOf({ status, session, readOnly, pending, draft }: ChatSnapshot): string {
  const unsent = pending.map(({ content, state }) => `${content} ${state}`);
  const shown = `${session?.id ?? "no session"}${readOnly ? ", to read" : ""}`;
  return `[${[status, shown, ...unsent, draft && `field: ${draft}`].filter(Boolean).join("; ")}]`.replaceAll("\n", " ");
}
