import type { Chance } from "./chance.js";
import type { FakeTimers } from "./fakeTimers.js";
import type { MemoryServer } from "./memoryServer.js";

/** One request as a fault sees it. */
interface Asking {
  /** Have it done; of a stream, which would stay open, nothing is done. */
  done(): Promise<Response>;
  /** Until whoever asks gives up. */
  forever(): Promise<never>;
  /** What this was answered before, of which something in between has kept a copy. */
  copy: string | undefined;
}

type Fault = (asking: Asking) => Promise<Response>;

const CUT = '{"server_time":"20';
const page = (status: number, headers = {}) =>
  new Response("<!doctype html><p>Please sign in", { status, headers: { "Content-Type": "text/html", ...headers } });
const tooMany = (headers = {}) =>
  new Response('{"code":"too_many_messages","message":"Not so fast.","field":null}', { status: 429, headers });
const lost = (): never => {
  throw new TypeError("Failed to fetch");
};

const AS_BEFORE = "is answered as before";

/** What networks, proxies and servers do to a request. */
const FAULTS: Record<string, Fault> = {
  "is never answered": ({ forever }) => forever(),
  "is done and never answered": ({ done, forever }) => done().then(forever),
  "is lost": async () => lost(),
  "is done and its answer lost": ({ done }) => done().then(lost),
  "is answered half": async ({ done }) => {
    const text = await (await done()).text();
    return new Response(text.slice(0, text.length / 2) || CUT);
  },
  "is answered by a page": async () => page(200),
  "is answered by nothing": async () => new Response(""),
  [AS_BEFORE]: async ({ copy }) => new Response(copy ?? ""),
  "is answered by a list": async () => new Response("[]"),
  "is answered by 204": async () => new Response(null, { status: 204 }),
  "is refused by 401": async () => page(401),
  "is refused by 403": async () => page(403),
  "is refused by 429": async () => tooMany(),
  "is refused by 429 for 5 seconds": async () => tooMany({ "Retry-After": "5" }),
  "fails by 500": async () => page(500),
  "fails by 502": async () => page(502),
  "fails by 503": async () => page(503),
  "fails by 503 for 7 seconds": async () => page(503, { "Retry-After": "7" }),
  "fails by 504 after it was done": ({ done }) => done().then(() => page(504)),
};

const SLOW = { there: 3000, back: 5000 }; // milliseconds at most

/** The way to a server on which anything may go wrong. */
export class FaultyFetch {
  /** How often something goes wrong. */
  trouble = 0.35;
  /** What was sent again sooner than the server had said. */
  readonly hasty: string[] = [];
  /** The lists that could not be read, and were not read since. */
  readonly unread = new Set<string>();
  /** The tabs that were refused news when they asked last: they wait for their reader. */
  readonly refused = new Set<string>();
  /** The tabs that were told last by a copy what is open: they cannot know that it may be old. */
  readonly misled = new Set<string>();
  /** By tab, who was there by the last answer that says so. */
  readonly known = new Map<string, string>();
  /** By who asks and the address, what it was answered last. */
  private readonly copies = new Map<string, string>();
  /** By request, until when whoever made it was told to wait. */
  private readonly told = new Map<string, number>();
  private readonly server: MemoryServer;
  private readonly timers: FakeTimers;
  private readonly chance: Chance;
  private readonly note: (what: string) => void;

  constructor(server: MemoryServer, timers: FakeTimers, chance: Chance, note: (what: string) => void) {
    this.server = server;
    this.timers = timers;
    this.chance = chance;
    this.note = note;
  }

  readonly fetchIn =
    (tab: string): typeof globalThis.fetch =>
    async (input, init = {}) => {
      init.signal?.throwIfAborted();
      const name = `${tab}: ${nameOf(String(input), init)}`;
      if (this.timers.now() < (this.told.get(name) ?? 0)) this.hasty.push(name);
      if (isNews(input)) this.refused.delete(tab);
      const isFaulty = this.chance.happens(this.trouble);
      if (isList(input, init)) this.unread[isFaulty ? "add" : "delete"](listOf(tab, input));
      // Whose it is, is settled as it leaves.
      const { reader } = this.server;
      const answer = await (isFaulty ? this.fail(reader, name, input, init) : this.ask(reader, input, init));
      if (isCurrent(input) && !isFaulty) {
        this.known.set(tab, reader);
        this.misled.delete(tab);
      }
      const seconds = Number(answer.headers.get("Retry-After"));
      if (seconds > 0 && isMessage(init)) this.told.set(name, this.timers.now() + seconds * 1000);
      return answer;
    };

  /** The reader does something, and what they ask for need not wait. */
  excuse(): void {
    this.told.clear();
  }

  private async ask(reader: string, input: RequestInfo | URL, init: RequestInit): Promise<Response> {
    const isSlow = this.trouble > 0 && !isNews(input);
    if (isSlow && this.chance.happens(0.5)) await this.wait(this.chance.upTo(SLOW.there), init);
    init.signal?.throwIfAborted();
    const answer = await this.server.fetchAs(reader)(input, init);
    if (isRead(init) && !isNews(input)) this.copies.set(`${reader} ${input}`, await answer.clone().text());
    if (isSlow && this.chance.happens(0.3)) await this.wait(this.chance.upTo(SLOW.back), init);
    return answer;
  }

  private fail(reader: string, name: string, input: RequestInfo | URL, init: RequestInit): Promise<Response> {
    const [how, fault] = this.chance.choose(Object.entries(FAULTS)) as [string, Fault];
    const tab = name.slice(0, name.indexOf(":"));
    const copy = isRead(init) ? this.copies.get(`${reader} ${input}`) : undefined;
    const isCopy = how === AS_BEFORE && copy !== undefined;
    if (isCopy && isList(input, init)) this.unread.delete(listOf(tab, input));
    if (isCopy && isCurrent(input)) this.misled.add(tab);
    if (isNews(input) && /40[13]/.test(how)) this.refused.add(tab);
    this.note(`${name} ${how}`);
    return fault({
      done: async () => (isNews(input) ? new Response(CUT) : this.server.fetchAs(reader)(input, init)),
      copy,
      forever: () => new Promise((_, reject) => onAbort(init, reject)),
    });
  }

  private wait(milliseconds: number, init: RequestInit): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = this.timers.setTimeout(resolve, milliseconds);
      onAbort(init, (error) => {
        this.timers.clearTimeout(timer);
        reject(error);
      });
    });
  }
}

function onAbort({ signal }: RequestInit, reject: (error: DOMException) => void): void {
  signal?.addEventListener("abort", () => reject(new DOMException("Given up", "AbortError")));
}

function isNews(input: RequestInfo | URL): boolean {
  return String(input).includes("/updates");
}

function isCurrent(input: RequestInfo | URL): boolean {
  return String(input).startsWith("/chat/sessions/current?");
}

function isRead({ method = "GET" }: RequestInit): boolean {
  return method === "GET";
}

function isList(input: RequestInfo | URL, init: RequestInit): boolean {
  return isRead(init) && String(input).startsWith("/chat/sessions?") && !String(input).includes("cursor=");
}

function listOf(tab: string, input: RequestInfo | URL): string {
  return `${tab} ${String(input).includes("archived=true") ? "archived" : "history"}`;
}

/** Only what bears a key is one and the same request when it is made again. */
function isMessage({ body }: RequestInit): boolean {
  return typeof body === "string" && body.includes('"key"');
}

function nameOf(path: string, init: RequestInit): string {
  const key = isMessage(init) ? ` ${JSON.parse(String(init.body)).key}` : "";
  return `${init.method ?? "GET"} ${path.replace("/chat", "")}${key}`;
}
