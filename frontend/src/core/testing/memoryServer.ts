import type { Timers } from "../clock.js";
import type {
  Arrival,
  ArrivalStatus,
  ChangeSession,
  Delta,
  Message,
  SendMessage,
  SentMessage,
  Session,
  Updates,
} from "../wire.js";
import { MemoryStreams } from "./memoryStreams.js";

interface Answer {
  status: number;
  body: unknown;
  retryAfter?: string;
}

interface Fault {
  status?: number;
  body?: string;
  retryAfter?: string;
  /** The server did the work; only its answer is lost. */
  afterwards?: boolean;
}

export interface SeenRequest {
  method: string;
  path: string;
  body: Record<string, unknown> | null;
}

/** What a cursor says of one open session. */
interface Known {
  row: string;
  position: number;
  attempt: number;
  state: Message["state"];
  length: number;
}

interface Knowledge {
  listed: string;
  open: Record<string, Known>;
}

const isUnfinished = ({ state }: Message) => state === "pending" || state === "running";
const time = (milliseconds: number) => new Date(milliseconds).toISOString().replace("Z", "000Z");
const refusal = (status: number, code: string, message: string, field: string | null = null): Answer => ({
  status,
  body: { code, message, field },
});
const UNDO = 86_400_000;
const notFound = () => refusal(404, "not_found", "There is no such chat.");

/** What one reader has here. */
interface Belongings {
  sessions: Session[];
  messages: Message[];
  deleted: Map<string, { session: Session; at: number }>;
  sent: Map<string, { content: string; answer: SentMessage }>;
}

/** Follows the contract in memory: one reader at a time, real expiry, keys compared, one running turn. */
export class MemoryServer {
  /** All but those for news. */
  readonly seen: SeenRequest[] = [];
  /** Requests for news, and whether as a stream. */
  readonly looks: { since: string | null; isStream: boolean }[] = [];
  readonly streams: MemoryStreams;
  private readonly knowledge: string[] = [];
  /** Told of each session that is there again. */
  restored: (id: string) => void = () => {};
  sessions: Session[] = [];
  messages: Message[] = [];
  /** Who asks, as the server names them. */
  reader = "visitor";
  offline = false;
  replies = true;
  /** How far its clock is ahead of ours. */
  skew = 0;
  timeout: number | null = 300_000;
  /** When every session ends at the latest, on our clock. */
  lastsUntil = Number.POSITIVE_INFINITY;
  faults: Fault[] = [];
  /** What every request for news is answered instead. */
  refusedNews: Answer | null = null;
  private held: (() => void)[] | null = null;
  private areAnswersHeld = false;
  private deleted: Belongings["deleted"] = new Map();
  private sent: Belongings["sent"] = new Map();
  /** What those have who do not ask just now, by their names: nobody else is ever told of it. */
  private readonly others = new Map<string, Belongings>();
  private readonly timers: Timers;
  private ids = 0;

  constructor(timers: Timers) {
    this.timers = timers;
    this.streams = new MemoryStreams(
      timers,
      (since, reader) => {
        const updates = this.as(reader, () => this.updatesSince(since));
        return updates.cursor === since ? null : updates;
      },
      (reader) => reader === this.reader || reader.startsWith("visitor"),
    );
  }

  readonly fetch: typeof globalThis.fetch = (input, init) => this.fetchAs(this.reader)(input, init);

  /** Whose cookie a request bears is settled when it leaves. */
  readonly fetchAs =
    (reader: string): typeof globalThis.fetch =>
    (input, init) =>
      this.answer(reader, String(input), init);

  private async answer(reader: string, input: string, init: RequestInit = {}): Promise<Response> {
    const path = input.replace("/chat", "");
    if (path.startsWith("/updates")) return this.news(reader, new URL(path, "http://server"), init);
    const body = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.seen.push({ method: init.method ?? "GET", path, body });
    if (this.held !== null && !this.areAnswersHeld) await new Promise<void>((resolve) => this.held?.push(resolve));
    if (this.offline) throw new TypeError("Failed to fetch");
    const fault = this.faults.shift();
    if (fault !== undefined && !fault.afterwards) return this.broken(fault);
    const { status, body: answer } = this.as(reader, () => this.handle(init.method ?? "GET", path, body));
    const text = status === 204 ? "" : JSON.stringify(answer);
    this.streams.push();
    if (this.held !== null) await new Promise<void>((resolve) => this.held?.push(resolve));
    if (fault !== undefined) return this.broken(fault);
    return respond(status, text);
  }

  /** Who asks is somebody else from now on, who has what they had before. */
  become(reader: string): void {
    const { sessions, messages, deleted, sent } = this;
    this.others.set(this.reader, { sessions, messages, deleted, sent });
    const mine = this.others.get(reader) ?? { sessions: [], messages: [], deleted: new Map(), sent: new Map() };
    Object.assign(this, mine, { reader });
  }

  /** Whoever asks logs in; what they had as a visitor is theirs from now on, and no visitor's any more. */
  logIn(name: string): void {
    const { sessions, messages, sent } = this;
    Object.assign(this, { sessions: [], messages: [], sent: new Map() });
    this.become(name);
    this.messages.push(...messages);
    for (const [key, answer] of sent) this.sent.set(key, answer);
    for (const row of sessions) {
      const rival = row.state === "active" ? this.openIn(row.scope) : undefined;
      const ends = rival && rival.last_activity_at > row.last_activity_at ? row : rival;
      this.sessions.push(row);
      if (ends) this.close(ends, "merged");
    }
  }

  /** What everybody has said, by whose it is now. */
  get said(): Map<string, Message[]> {
    const all = [...this.others].map(([reader, { messages }]): [string, Message[]] => [reader, messages]);
    return new Map(all).set(this.reader, this.messages);
  }

  private as<T>(reader: string, run: () => T): T {
    const before = this.reader;
    if (reader === before) return run();
    this.become(reader);
    try {
      return run();
    } finally {
      this.become(before);
    }
  }

  count(method: string, pattern: RegExp): number {
    return this.seen.filter((request) => request.method === method && pattern.test(request.path)).length;
  }

  /** Requests wait before they are answered. */
  hold(): void {
    this.held = [];
    this.areAnswersHeld = false;
  }

  /** Requests are answered, and the answers, soon old, wait on the way back. */
  holdAnswers(): void {
    this.held = [];
    this.areAnswersHeld = true;
  }

  release(): void {
    this.setAside()();
  }

  /** What waits goes on waiting until the returned function is called; what comes after it does not wait. */
  setAside(): () => void {
    const waiting = this.held ?? [];
    this.held = null;
    return () => {
      for (const resume of waiting) resume();
    };
  }

  now = () => this.timers.now() + this.skew;

  /** The reply grows. */
  write(content: string): void {
    this.changeReply({ state: "running", content });
    this.streams.push();
  }

  /** The reply ends; the idle clock starts again. */
  finish(content: string, state: Message["state"] = "answered", error = ""): void {
    const reply = this.changeReply({ state, content, error });
    this.changeSession(reply.session, { running: false, unread: true, preview: content, ...this.active() });
    this.streams.push();
  }

  /** Every reply that is under way ends. */
  finishAll(content: string): void {
    for (const { id, session } of this.messages.filter(isUnfinished)) {
      this.change(id, { state: "answered", content });
      this.changeSession(session, { running: false, unread: true, preview: content, ...this.active() });
    }
    this.streams.push();
  }

  /** As if nobody had ever said anything; what was said is kept for whoever looks for it in a test. */
  eraseAll(): void {
    this.sessions = [];
    this.deleted.clear();
    this.sent.clear();
    this.streams.push();
  }

  /** The sessions that can be restored. */
  get deletedIds(): string[] {
    return [...this.deleted.keys()];
  }

  /** Another attempt takes over, such as after a worker died. */
  beginAnew(content = ""): void {
    const { attempt } = this.changeReply({});
    const reply = this.changeReply({ state: "running", content, attempt: attempt + 1, error: "" });
    this.changeSession(reply.session, { running: true });
    this.streams.push();
  }

  /** As a server of another version does. */
  forgetCursors(): void {
    this.knowledge.fill("");
  }

  /** What has changed since a cursor, for a reader that asks past all tabs. */
  updatesSince(since: string | null): Updates {
    this.expire();
    const before: Knowledge | null = since === null ? null : JSON.parse(this.knowledge[Number(since.slice(1))] ?? "");
    const rows = this.sessions.toSorted(latestFirst);
    const live = rows.filter((row) => row.state === "active" || row.running);
    const told = rows.filter((row) => live.includes(row) || before?.open[row.id] !== undefined);
    const changed = told.filter((row) => before?.open[row.id]?.row !== JSON.stringify(row));
    const knowledge: Knowledge = {
      listed: JSON.stringify(rows.filter((row) => !live.includes(row))),
      open: Object.fromEntries(live.map((row) => [row.id, this.knownOf(row)])),
    };
    const isGone = Object.keys(before?.open ?? {}).some((id) => this.find(id) === undefined);
    const lacking = told.map((row) => this.lacking(row, before?.open[row.id]));
    return {
      cursor: this.cursorOf(JSON.stringify(knowledge)),
      sessions: changed,
      messages: lacking.flatMap(({ messages }) => messages),
      deltas: lacking.flatMap(({ deltas }) => deltas),
      history_changed: before !== null && (isGone || before.listed !== knowledge.listed),
      server_time: time(this.now()),
    };
  }

  private async news(reader: string, url: URL, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    const since = url.searchParams.get("since");
    const isStream = headers.get("Accept")?.startsWith("text/event-stream") ?? false;
    this.looks.push({ since, isStream });
    if (this.offline) throw new TypeError("Failed to fetch");
    const refused = this.refusedNews ?? (isStream ? this.streams.refusal : null);
    if (refused !== null) return respond(refused.status, JSON.stringify(refused.body), refused.retryAfter);
    if (since !== null && !this.knowledge[Number(since.slice(1))]) {
      return respond(400, '{"code":"invalid","message":"since is no cursor.","field":"since"}');
    }
    if (isStream) return this.streams.open(reader, since, init.signal ?? undefined);
    const updates = this.as(reader, () => this.updatesSince(since));
    return respond(200, JSON.stringify(updates));
  }

  private lacking(row: Session, known: Known | undefined): { messages: Message[]; deltas: Delta[] } {
    const all = this.messages.filter(({ session }) => session === row.id);
    const from = known?.position ?? all.length - 2;
    const messages: Message[] = [];
    const deltas: Delta[] = [];
    for (const message of all.filter(({ position }) => position >= from)) {
      const { id, session, attempt, content, state } = message;
      const text = [...content].slice(known?.length).join("");
      if (known?.position !== message.position || known.attempt !== attempt) messages.push(message);
      else if (!isUnfinished(message) && known.state !== state) messages.push(message);
      else if (isUnfinished(message) && text !== "") {
        deltas.push({ session, message: id, attempt, offset: known.length, text });
      }
    }
    return { messages, deltas };
  }

  private knownOf(row: Session): Known {
    const last = this.messages.findLast(({ session }) => session === row.id);
    const { position = 0, attempt = 0, state = "", content = "" } = last ?? {};
    return { row: JSON.stringify(row), position, attempt, state, length: [...content].length };
  }

  private cursorOf(knowledge: string): string {
    if (!this.knowledge.includes(knowledge)) this.knowledge.push(knowledge);
    return `c${this.knowledge.indexOf(knowledge)}`;
  }

  start(scope = "", messages: readonly string[] = []): Session {
    const session = this.open(scope, null);
    for (const [index, content] of messages.entries())
      this.store(session.id, index % 2 ? "assistant" : "user", content);
    this.streams.push();
    return this.find(session.id) as Session;
  }

  changeSession(id: string, change: Partial<Session>): void {
    this.sessions = this.sessions.map((session) => (session.id === id ? { ...session, ...change } : session));
  }

  private handle(method: string, path: string, body: Record<string, unknown> | null): Answer {
    const url = new URL(path, "http://server");
    this.expire();
    const scope = url.searchParams.get("scope");
    if (path.startsWith("/sessions/current")) return this.current(scope ?? "");
    if (url.pathname === "/sessions" && method === "GET") return this.list(url.searchParams);
    if (url.pathname === "/sessions/search") return this.search(url.searchParams);
    if (url.pathname === "/sessions") return this.startNew(String(body?.scope ?? ""));
    if (url.pathname === "/messages") return this.send(body as unknown as SendMessage);
    const [, id = "", verb = ""] = /^\/sessions\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const session = this.find(decodeURIComponent(id));
    if (verb === "restore") return this.restore(decodeURIComponent(id));
    return session === undefined ? notFound() : this.onSession(session, method, verb, url.searchParams, body);
  }

  private onSession(
    session: Session,
    method: string,
    verb: string,
    query: URLSearchParams,
    body: Record<string, unknown> | null,
  ): Answer {
    if (verb === "messages") return this.transcript(session, query);
    if (verb === "reopen") return this.reopen(session);
    if (verb === "stop") return this.stop(session);
    if (verb === "retry") return this.retry(session);
    if (verb === "read") this.changeSession(session.id, { unread: false });
    if (verb === "end" && session.state === "active") this.close(session, "user");
    if (verb === "touch" && session.state === "active") this.changeSession(session.id, this.active());
    if (method === "PATCH") this.organise(session, body as ChangeSession);
    if (method === "DELETE") {
      this.stop(session);
      this.deleted.set(session.id, { session: { ...session, running: false }, at: this.now() });
      this.sessions = this.sessions.filter(({ id }) => id !== session.id);
      return { status: 204, body: null };
    }
    return this.ok({ session: this.find(session.id) });
  }

  private organise(session: Session, { title, pinned, archived }: ChangeSession): void {
    const { pinned_at, archived_at } = session;
    if (archived && session.state === "active") this.close(session, "user");
    this.changeSession(session.id, {
      ...(title === undefined ? {} : { title }),
      ...(pinned === undefined ? {} : { pinned_at: pinned ? (pinned_at ?? time(this.now())) : null }),
      ...(archived === undefined ? {} : { archived_at: archived ? (archived_at ?? time(this.now())) : null }),
    });
  }

  private restore(id: string): Answer {
    const gone = this.deleted.get(id);
    if (gone !== undefined && this.now() - gone.at < UNDO) {
      this.deleted.delete(id);
      this.sessions.push(gone.session);
      if (gone.session.state === "active") this.close(gone.session, "user");
      this.restored(id);
    }
    const session = this.find(id);
    return session === undefined ? notFound() : this.ok({ session });
  }

  private search(query: URLSearchParams): Answer {
    const wanted = query.get("q")?.trim().toLowerCase() ?? "";
    if (wanted === "" || wanted.length > 200) return refusal(400, "invalid", "q must be a text to search for.", "q");
    const limit = Number(query.get("limit") ?? 30);
    const isIn = inScope(query.get("scope"));
    const says = (text: string) => text.toLowerCase().includes(wanted);
    const matches = this.sessions
      .filter((row) => isIn(row) && row.message_count > 0)
      .toSorted(latestFirst)
      .map((session) => {
        const said = this.messages.find((message) => message.session === session.id && says(message.content));
        return {
          session,
          excerpt: said?.content ?? session.preview,
          isFound: said !== undefined || says(session.title),
        };
      })
      .filter(({ isFound }) => isFound)
      .map(({ session, excerpt }) => ({ session, excerpt }));
    return this.ok({ matches: matches.slice(0, limit), complete: matches.length <= limit });
  }

  private current(scope: string): Answer {
    const session = this.openIn(scope);
    const arrival = session === undefined ? this.arriving(scope) : arrivalOf("resumed", "open", null);
    return this.ok({ arrival, session: session ?? null, reader: this.reader });
  }

  private arriving(scope: string): Arrival {
    const previous = this.sessions.filter((session) => session.scope === scope).at(-1) ?? null;
    return arrivalOf("new", previous?.end_reason ?? "first", previous);
  }

  private list(query: URLSearchParams): Answer {
    const archived = query.get("archived") === "true";
    const limit = Number(query.get("limit") ?? 30);
    if (limit > 100) return refusal(400, "invalid", "limit must be a number from 1 to 100.", "limit");
    const place = (row: Session) => `${(!archived && row.pinned_at) || ""} ${row.last_message_at} ${row.id}`;
    const from = query.get("cursor");
    const rows = this.sessions
      .filter((row) => inScope(query.get("scope"))(row) && (row.archived_at !== null) === archived)
      .filter((row) => from === null || place(row) < atob(from))
      .sort((a, b) => (place(a) < place(b) ? 1 : -1));
    const last = rows.length > limit ? rows[limit - 1] : undefined;
    return this.ok({ sessions: rows.slice(0, limit), next_cursor: last === undefined ? null : btoa(place(last)) });
  }

  private startNew(scope: string): Answer {
    const open = this.openIn(scope);
    if (open !== undefined) this.close(open, "user");
    const arrival = this.arriving(scope);
    return this.ok({ arrival, session: this.open(scope, arrival.previous) }, 201);
  }

  private reopen(session: Session): Answer {
    const open = this.openIn(session.scope);
    if (open !== undefined && open.id !== session.id) this.close(open, "replaced");
    this.changeSession(session.id, { state: "active", ended_at: null, end_reason: "", ...this.active() });
    const previous = open === undefined || open.id === session.id ? null : (this.find(open.id) ?? null);
    return this.ok({ arrival: arrivalOf("reopened", "user", previous), session: this.find(session.id) });
  }

  private stop(session: Session): Answer {
    const reply = this.replyOf(session);
    if (reply !== undefined && isUnfinished(reply)) {
      this.change(reply.id, { state: "stopped" });
      this.changeSession(session.id, { running: false, ...this.active() });
    }
    return this.ok({ session: this.find(session.id), reply: this.replyOf(session) ?? null });
  }

  private retry(session: Session): Answer {
    const reply = this.replyOf(session);
    if (reply !== undefined && isUnfinished(reply)) return this.conflict("turn_in_progress", session, undefined);
    if (session.state !== "active") return this.conflict("session_ended", session, this.openIn(session.scope));
    if (reply === undefined || reply.state === "answered") {
      return this.conflict("nothing_to_retry", session, undefined);
    }
    this.change(reply.id, { state: "pending", content: "", error: "", attempt: reply.attempt + 1 });
    this.changeSession(session.id, { running: true, ...this.active() });
    return this.ok({ session: this.find(session.id), reply: this.replyOf(session) });
  }

  /** The last message, if it is a reply. */
  private replyOf(session: Session): Message | undefined {
    const last = this.messages.findLast((message) => message.session === session.id);
    return last?.role === "assistant" ? last : undefined;
  }

  private transcript(session: Session, query: URLSearchParams): Answer {
    const before = Number(query.get("before") ?? Number.MAX_SAFE_INTEGER);
    const all = this.messages.filter((message) => message.session === session.id && message.position < before);
    const messages = all.slice(-Number(query.get("limit") ?? 50));
    const first = messages[0];
    return this.ok({ session, messages, next_before: first && first.position > 0 ? first.position : null });
  }

  private send({ content, key, scope: asked = "", session: named, reader = this.reader }: SendMessage): Answer {
    // Any visitor sends what one wrote: their cookie may change before anything is said.
    const isVisitors = [reader, this.reader].every((name) => name.startsWith("visitor"));
    if (reader !== this.reader && !isVisitors)
      return refusal(422, "other_reader", "Somebody else wrote this.", "reader");
    const stored = this.sent.get(key);
    if (stored !== undefined) {
      if (stored.content !== content) return refusal(422, "key_reused", "This key belongs to another message.", "key");
      return this.sentBefore(stored.answer);
    }
    if (content.includes("forbidden")) return refusal(400, "invalid", "content must not say that.", "content");
    const looked = named === undefined ? undefined : this.find(named);
    const scope = looked?.scope ?? asked;
    const open = this.openIn(scope);
    if (named !== undefined && looked === undefined) return notFound();
    if (looked !== undefined && (looked.state === "ended" || (open && open.id !== looked.id))) {
      return this.conflict("session_ended", looked, open);
    }
    if (open?.running) return this.conflict("turn_in_progress", open, undefined);
    const answer = this.take(open, scope, content);
    this.sent.set(key, { content, answer });
    return { status: 201, body: answer };
  }

  /** As it is by now. */
  private sentBefore({ arrival, session: { id }, message, reply }: SentMessage): Answer {
    const session = this.find(id);
    const now = (row: Message) => this.messages.find((known) => known.id === row.id);
    return session ? this.ok({ arrival, session, message, reply: reply && now(reply) }) : notFound();
  }

  private take(open: Session | undefined, scope: string, content: string): SentMessage {
    const arrival = open === undefined ? this.arriving(scope) : arrivalOf("resumed", "open", null);
    const id = (open ?? this.open(scope, arrival.previous)).id;
    const message = this.store(id, "user", content);
    const reply = this.replies ? this.store(id, "assistant", "", "pending") : null;
    const known = this.find(id);
    this.changeSession(id, { running: this.replies, title: known?.title || content, ...this.active() });
    return { arrival, session: this.find(id) as Session, message, reply, server_time: time(this.now()) };
  }

  private conflict(code: string, session: Session, current: Session | undefined): Answer {
    const running =
      code === "turn_in_progress" ? (this.messages.findLast((m) => m.session === session.id) ?? null) : null;
    const body = { code, message: code, field: null, session, current: current ?? null, running };
    return { status: 409, body };
  }

  private store(session: string, role: Message["role"], content: string, state?: Message["state"]): Message {
    const position = this.messages.filter((message) => message.session === session).length;
    const message: Message = {
      id: this.newId("m"),
      session,
      role,
      content,
      position,
      state: state ?? (role === "assistant" ? "answered" : ""),
      attempt: role === "assistant" ? 1 : 0,
      error: "",
      created_at: time(this.now()),
      metadata: {},
    };
    this.messages.push(message);
    this.changeSession(session, { message_count: position + 1, preview: content, last_message_at: time(this.now()) });
    return message;
  }

  private changeReply(change: Partial<Message>): Message {
    const last = this.messages.findLast((message) => message.role === "assistant");
    return this.change(last?.id ?? "", change);
  }

  private change(id: string, change: Partial<Message>): Message {
    const at = this.messages.findIndex((message) => message.id === id);
    const message = { ...(this.messages[at] as Message), ...change };
    this.messages[at] = message;
    return message;
  }

  private open(scope: string, previous: Session | null): Session {
    const started = time(this.now());
    const session: Session = {
      ...{ id: this.newId("s"), scope, state: "active", running: false, title: "", preview: "", message_count: 0 },
      ...{ unread: false, started_at: started, last_message_at: started, ended_at: null, end_reason: "" },
      ...{ previous: previous?.id ?? null, pinned_at: null, archived_at: null, ...this.active() },
    };
    this.sessions.push(session);
    return session;
  }

  private close(session: Session, reason: string): void {
    const ended = { state: "ended", ended_at: time(this.now()), end_reason: reason, expires_at: null } as const;
    this.changeSession(session.id, ended);
  }

  private expire(): void {
    for (const session of this.sessions) {
      const { state, running, expires_at } = session;
      if (state !== "active" || running || expires_at === null || Date.parse(expires_at) > this.now()) continue;
      const lapse = { state: "expired", ended_at: expires_at, end_reason: "idle", expires_at: null } as const;
      this.changeSession(session.id, lapse);
    }
  }

  private active() {
    const expires = this.timeout === null ? null : time(Math.min(this.now() + this.timeout, this.lastsUntil));
    return { last_activity_at: time(this.now()), expires_at: expires };
  }

  private openIn(scope: string): Session | undefined {
    return this.sessions.find((session) => session.scope === scope && session.state === "active");
  }

  find(id: string): Session | undefined {
    return this.sessions.find((session) => session.id === id);
  }

  private newId(kind: string): string {
    this.ids += 1;
    return `${kind}${String(this.ids).padStart(4, "0")}`;
  }

  private ok(body: object, status = 200): Answer {
    return { status, body: { ...body, server_time: time(this.now()) } };
  }

  private broken({ status, body, retryAfter }: Fault): Response {
    if (status === undefined) throw new TypeError("Failed to fetch");
    return respond(status, body ?? "<!doctype html><p>Something in between</p>", retryAfter);
  }
}

function inScope(scope: string | null): (row: Session) => boolean {
  return (row) => scope === null || row.scope === scope;
}

function latestFirst(a: Session, b: Session): number {
  return b.last_message_at.localeCompare(a.last_message_at) || b.id.localeCompare(a.id);
}

function arrivalOf(status: ArrivalStatus, reason: string, previous: Session | null): Arrival {
  return { status, reason, previous };
}

function respond(status: number, text: string, retryAfter?: string): Response {
  const headers = retryAfter === undefined ? undefined : { "Retry-After": retryAfter };
  return new Response(status === 204 ? null : text, { status, ...(headers === undefined ? {} : { headers }) });
}
