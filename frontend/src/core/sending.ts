import { backoff } from "./backoff.js";
import type { ChatContext } from "./chatContext.js";
import { type PendingMessage, problemOf } from "./chatState.js";
import type { TimerId } from "./clock.js";
import { conflictOf, isRetryable } from "./errors.js";
import { changedPending, queued, refused, sent, withoutPending } from "./transitions.js";
import type { SendMessage } from "./wire.js";

const MOST_ATTEMPTS = 8;

interface SendingEvents {
  /** A message was stored: the server has counted it as activity, and may have changed the session. */
  stored(): void;
  /** An answer is being written, perhaps in a session that is not shown here yet. */
  occupied(): void;
}

/** Messages on their way: one at a time, in order, each with one key on all its attempts. */
export class Sending {
  private readonly context: ChatContext;
  private readonly events: SendingEvents;
  private busy = false;
  private timer: TimerId = null;
  private wake: (() => void) | null = null;

  constructor(context: ChatContext, events: SendingEvents) {
    this.context = context;
    this.events = events;
  }

  /** The key of the new message, or null when there is nothing to send or nowhere to send it. */
  send(text: string): string | null {
    const { state, parts } = this.context;
    if (text.trim() === "" || state.viewing) return null;
    const key = parts.newKey();
    const session = this.addressed();
    const message = { key, content: text, session, state: "sending", problem: null, conflict: null } as const;
    parts.hint.write({ draft: "" });
    this.context.update((current) => queued(current, message));
    void this.pump();
    return key;
  }

  retry(key: string, session = this.addressed()): void {
    const change = { session, state: "sending", problem: null, conflict: null } as const;
    if (this.find(key)?.state !== "failed") return;
    this.context.update((state) => changedPending(state, key, change));
    void this.pump();
  }

  /** Take a failed message back; its words return to an empty composer. */
  discard(key: string): void {
    const message = this.find(key);
    if (message?.state !== "failed") return;
    const draft = this.context.state.draft.trim() === "" ? message.content : this.context.state.draft;
    this.context.parts.hint.write({ draft });
    this.context.update((state) => ({ ...withoutPending(state, key), draft }));
  }

  /** Do not wait any longer for the next attempt: the connection may be back. */
  hurry(): void {
    this.context.parts.clock.clearTimeout(this.timer);
    this.wake?.();
  }

  find(key: string): PendingMessage | undefined {
    return this.context.state.pending.find((message) => message.key === key);
  }

  /** A session that we know has ended on purpose is not named: the message then starts a new one. */
  private addressed(): string | null {
    const { session } = this.context.state;
    return session === null || session.state === "ended" ? null : session.id;
  }

  private async pump(): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    for (let next = this.next(); next !== undefined; next = this.next()) await this.deliver(next.key);
    this.busy = false;
  }

  private next(): PendingMessage | undefined {
    return this.context.state.pending.find((message) => message.state === "sending");
  }

  private async deliver(key: string): Promise<void> {
    for (let attempts = 0; ; ) {
      const message = this.find(key);
      if (message === undefined) return;
      try {
        return await this.attempt(message);
      } catch (error) {
        // While the device itself is offline, waiting costs nothing and is no attempt.
        if (this.context.parts.page.isOnline()) attempts += 1;
        if (!isRetryable(error) || attempts >= MOST_ATTEMPTS) return this.fail(key, error);
        await this.pause(backoff(Math.max(0, attempts - 1), this.context.parts.random, error));
      }
    }
  }

  private async attempt({ key, content, session }: PendingMessage): Promise<void> {
    const { api, scope } = this.context.parts;
    const body: SendMessage = { scope, content, key };
    const named = session ?? this.addressed();
    if (named !== null) body.session = named;
    const answer = await this.context.call(() => api.sendMessage(body));
    this.context.epoch += 1;
    this.context.update((state) => sent(state, key, answer));
    this.context.entered(answer.arrival);
    this.context.tell(answer.session.id);
    this.events.stored();
  }

  private fail(key: string, error: unknown): void {
    const problem = problemOf(error);
    this.context.update((state) => refused(state, key, problem, conflictOf(error)));
    if (problem.code === "turn_in_progress") this.events.occupied();
  }

  private pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      this.timer = this.context.parts.clock.setTimeout(resolve, milliseconds);
    });
  }
}
