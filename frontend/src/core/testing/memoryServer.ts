import type { Timers } from "../clock.js";
import type { Arrival, ArrivalStatus, Message, SendMessage, SentMessage, Session } from "../wire.js";

interface Answer {
  status: number;
  body: unknown;
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

const time = (milliseconds: number) => new Date(milliseconds).toISOString().replace("Z", "000Z");
const refusal = (status: number, code: string, message: string, field: string | null = null): Answer => ({
  status,
  body: { code, message, field },
});
const notFound = () => refusal(404, "not_found", "There is no such chat session.");

/** Follows the contract in memory: one reader, real expiry, keys compared, one running turn. */
export class MemoryServer {
  readonly seen: SeenRequest[] = [];
  sessions: Session[] = [];
  messages: Message[] = [];
  offline = false;
  replies = true;
  /** How far its clock is ahead of ours. */
  skew = 0;
  timeout = 300_000;
  faults: Fault[] = [];
  private held: (() => void)[] | null = null;
  private readonly sent = new Map<string, { content: string; answer: SentMessage }>();
  private readonly timers: Timers;
  private ids = 0;

  constructor(timers: Timers) {
    this.timers = timers;
  }

  readonly fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const path = String(input).replace("/chat", "");
    const body = typeof init.body === "string" ? JSON.parse(init.body) : null;
    this.seen.push({ method: init.method ?? "GET", path, body });
    if (this.held !== null) await new Promise<void>((resolve) => this.held?.push(resolve));
    if (this.offline) throw new TypeError("Failed to fetch");
    const fault = this.faults.shift();
    if (fault !== undefined && !fault.afterwards) return this.broken(fault);
    const { status, body: answer } = this.handle(init.method ?? "GET", path, body);
    if (fault !== undefined) return this.broken(fault);
    return respond(status, status === 204 ? "" : JSON.stringify(answer));
  };

  count(method: string, pattern: RegExp): number {
    return this.seen.filter((request) => request.method === method && pattern.test(request.path)).length;
  }

  hold(): void {
    this.held = [];
  }

  release(): void {
    const waiting = this.held ?? [];
    this.held = null;
    for (const resume of waiting) resume();
  }

  now = () => this.timers.now() + this.skew;

  /** The reply grows. */
  write(content: string): void {
    this.changeReply({ state: "running", content });
  }

  /** The reply ends; the idle clock starts again. */
  finish(content: string, state: Message["state"] = "answered", error = ""): void {
    const reply = this.changeReply({ state, content, error });
    this.changeSession(reply.session, { running: false, preview: content, ...this.active() });
  }

  start(scope = "", messages: readonly string[] = []): Session {
    const session = this.open(scope, null);
    for (const [index, content] of messages.entries())
      this.store(session.id, index % 2 ? "assistant" : "user", content);
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
    if (url.pathname === "/sessions") return this.startNew(String(body?.scope ?? ""));
    if (url.pathname === "/messages") return this.send(body as unknown as SendMessage);
    const [, id = "", verb = ""] = /^\/sessions\/([^/]+)(?:\/(\w+))?$/.exec(url.pathname) ?? [];
    const session = this.find(decodeURIComponent(id));
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
    if (verb === "end" && session.state === "active") this.close(session, "user");
    if (verb === "touch" && session.state === "active") this.changeSession(session.id, this.active());
    if (method === "PATCH") this.changeSession(session.id, { title: String(body?.title) });
    if (method === "DELETE") {
      this.sessions = this.sessions.filter(({ id }) => id !== session.id);
      return { status: 204, body: null };
    }
    return this.ok({ session: this.find(session.id) });
  }

  private current(scope: string): Answer {
    const session = this.openIn(scope);
    const arrival = session === undefined ? this.arriving(scope) : arrivalOf("resumed", "open", null);
    return this.ok({ arrival, session: session ?? null });
  }

  private arriving(scope: string): Arrival {
    const previous = this.sessions.filter((session) => session.scope === scope).at(-1) ?? null;
    return arrivalOf("new", previous?.end_reason ?? "first", previous);
  }

  private list(query: URLSearchParams): Answer {
    const scope = query.get("scope");
    const from = Number(query.get("cursor") ?? 0);
    const limit = Number(query.get("limit") ?? 30);
    const all = this.sessions
      .filter((session) => scope === null || session.scope === scope)
      .sort((a, b) => b.last_message_at.localeCompare(a.last_message_at) || b.id.localeCompare(a.id));
    const next = from + limit < all.length ? String(from + limit) : null;
    return this.ok({ sessions: all.slice(from, from + limit), next_cursor: next });
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

  private transcript(session: Session, query: URLSearchParams): Answer {
    const before = Number(query.get("before") ?? Number.MAX_SAFE_INTEGER);
    const all = this.messages.filter((message) => message.session === session.id && message.position < before);
    const messages = all.slice(-Number(query.get("limit") ?? 50));
    const first = messages[0];
    return this.ok({ session, messages, next_before: first && first.position > 0 ? first.position : null });
  }

  private send({ content, key, scope = "", session: named }: SendMessage): Answer {
    const stored = this.sent.get(key);
    if (stored !== undefined) {
      if (stored.content !== content) return refusal(422, "key_reused", "This key belongs to another message.", "key");
      return { status: 200, body: stored.answer };
    }
    if (content.includes("forbidden")) return refusal(400, "invalid", "content must not say that.", "content");
    const open = this.openIn(scope);
    const looked = named === undefined ? undefined : this.find(named);
    if (named !== undefined && looked === undefined) return notFound();
    if (looked !== undefined && (looked.state === "ended" || (open && open.id !== looked.id))) {
      return this.conflict("session_ended", looked, open);
    }
    if (open?.running) return this.conflict("turn_in_progress", open, undefined);
    const answer = this.take(open, scope, content);
    this.sent.set(key, { content, answer });
    return { status: 201, body: answer };
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
      error: "",
      created_at: time(this.now()),
      metadata: {},
    };
    this.messages.push(message);
    this.changeSession(session, { message_count: position + 1, preview: content, last_message_at: time(this.now()) });
    return message;
  }

  private changeReply(change: Partial<Message>): Message {
    const at = this.messages.findLastIndex((message) => message.role === "assistant");
    const reply = { ...(this.messages[at] as Message), ...change };
    this.messages[at] = reply;
    return reply;
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
    return { last_activity_at: time(this.now()), expires_at: time(this.now() + this.timeout) };
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

function arrivalOf(status: ArrivalStatus, reason: string, previous: Session | null): Arrival {
  return { status, reason, previous };
}

function respond(status: number, text: string, retryAfter?: string): Response {
  const headers = retryAfter === undefined ? undefined : { "Retry-After": retryAfter };
  return new Response(status === 204 ? null : text, { status, ...(headers === undefined ? {} : { headers }) });
}
