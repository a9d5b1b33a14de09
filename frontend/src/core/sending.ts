import { backoff } from "./backoff.js";
import type { ChatContext } from "./chatContext.js";
import { isUnderWay, joinedText, type PendingMessage, problemOf } from "./chatState.js";
import type { TimerId } from "./clock.js";
import { conflictOf, isGone, isRetryable, statusOf } from "./errors.js";
import type { KeptMessage, Outbox } from "./outbox.js";
import type { Reading } from "./reading.js";
import { lastAsked, runningReply } from "./transcript.js";
import { changedPending, queued, replied, sent, withoutPending } from "./transitions.js";
import type { SendMessage } from "./wire.js";

interface SendingVerbs {
  /** The key of the new message, or null when there is nothing to send or nowhere to send it. */
  send(text: string): string | null;
  retry(key: string): void;
  /** In the session that had ended, once it is open again. */
  retryInEnded(key: string): Promise<void>;
  /** In the one that is open instead. */
  retryInCurrent(key: string): void;
  /** Take back a message that the server cannot have; its words return to the composer, before what is there. */
  discard(key: string): void;
}

/** Messages on their way: one at a time, in order, each with one key on all its attempts. */
export interface Sending {
  verbs: SendingVerbs;
  /** Send what was kept and nobody sends, beside our own. */
  open(): void;
  close(): void;
  /** Something has changed that a message may have waited for. */
  proceed(): void;
  /** Do not wait any longer for the next attempt: the connection may be back. */
  hurry(): void;
}

const MOST_ATTEMPTS = 8;
/** Milliseconds after which nobody expects any more that a message goes out by itself. */
const STALE = 3_600_000;
const AFRESH = { state: "queued", problem: null, conflict: null } as const;

export function createSending(
  context: ChatContext,
  reading: Reading,
  reopen: (id: string) => Promise<boolean>,
): Sending {
  const { api, owner, clock, page, hint, outbox, visitor, random, newKey } = context;
  const { call, update, set, report, kept } = context;
  let isBusy = false;
  /** Whether the pause before the next attempt is the server's: to ask sooner would make it longer. */
  let isToldToWait = false;
  let timer: TimerId = null;
  let wake: (() => void) | null = null;
  let isOpen = false;
  /** One where nobody is signed in. */
  const outboxes = new Set([outbox, visitor.outbox]);

  const find = (key: string) => context.state.pending.find((message) => message.key === key);
  const change = (key: string, part: Partial<PendingMessage>) => update((state) => changedPending(state, key, part));

  /** A session that we know has ended on purpose is not named: the message then starts a new one. */
  const addressed = () => {
    const { session } = context.state;
    return !session || session.state === "ended" ? null : session.id;
  };
  /** As whoever is here now: where its session is gone, that name alone says whose it is. */
  const keep = (message: PendingMessage, at = clock.now()) =>
    kept(outbox.keep({ ...message, reader: context.reader, at }));
  const address = (message: PendingMessage, session: string | null) => {
    const afresh = { ...message, ...AFRESH, reader: context.reader, session };
    keep(afresh);
    change(message.key, afresh);
  };

  /** What was written where no session was goes into none of another scope that is read meanwhile. */
  const addressee = ({ session, scope }: PendingMessage) =>
    session ?? (scope === context.shownScope() ? addressed() : null);

  /** Whether an answer is being written where this message is to go. */
  const isOccupied = (message: PendingMessage) => {
    const { state } = context;
    const named = addressee(message);
    if (!named) return false;
    return named === state.session?.id
      ? runningReply(state.messages) !== null
      : state.elsewhere.running.includes(named);
  };

  const proceed = async () => {
    if (!timer) wake?.();
    if (isBusy) return;
    isBusy = true;
    // One for another chat need not wait for the answer in the first one's.
    const next = () => {
      const waiting = context.state.pending.filter(({ state }) => state !== "failed");
      return waiting.find((message) => !isOccupied(message)) ?? waiting[0];
    };
    for (let message = next(); message; message = next()) {
      if (!(await deliver(message.key))) break;
    }
    isBusy = false;
  };

  /** False when the chat has left the page before it was done. */
  const deliver = async (key: string) => {
    for (let attempts = 0, pauses = 0; ; ) {
      const message = find(key);
      if (!message) return true;
      try {
        const isTurn = message.tried || !isOccupied(message);
        // Until the server has answered once, nobody here has a name: what is sent then could go out again as another's.
        if (isTurn && context.state.loaded && context.awaited === undefined) return await attempt(message);
        await pause(null);
        return isOpen;
      } catch (error) {
        // While the device itself is offline, waiting costs nothing and is no attempt. A bug seldom mends itself.
        if (page.isOnline()) attempts += statusOf(error) === 500 ? 2 : 1;
        const conflict = conflictOf(error);
        const isTurnedAway = conflict?.code === "turn_in_progress";
        if (conflict) update((state) => replied(state, conflict.session, conflict.running));
        if (attempts >= MOST_ATTEMPTS || !(isTurnedAway || isRetryable(error))) {
          // Somebody else may be here than we thought, or the chat is gone: whoever sends it again does so as who is here.
          change(key, AFRESH);
          // Kept for who deleted its chat, unless another tab has sent it; not to be sent unasked. Before anything is
          // awaited: its writer may take it back then.
          if (isGone(error) && outbox.read(key)) keep(message, 0);
          if (!conflict) await reading.refresh();
          change(key, { state: "failed", problem: problemOf(error), conflict });
          return true;
        }
        // Whoever is told to wait has stored nothing by this attempt, and is told why.
        isToldToWait = statusOf(error) === 429;
        const problem = isToldToWait ? problemOf(error) : null;
        change(key, { state: "queued", tried: !isTurnedAway && (message.tried || !isToldToWait), problem });
        // The answer that it waits for is perhaps written in a session that is not shown here yet.
        if (isTurnedAway) void reading.refresh();
        await pause(backoff(pauses++, random, error));
      }
      if (!isOpen) return false;
    }
  };

  const attempt = async (message: PendingMessage) => {
    const { key, content, session, scope, tried } = message;
    const reader = message.reader ?? context.reader;
    // What is there by now is another message, though it may say the same.
    if (!tried) change(key, { state: "sending", reader, after: lastAsked(context.state.messages)?.id ?? null });
    const { chosen, reader: asker } = context;
    const body: SendMessage = {
      scope,
      key,
      content,
      session: addressee(message) ?? undefined,
      // A session that was named when it was written says whose it is.
      reader: session ? undefined : (reader ?? undefined),
    };
    const answer = await call(api.sendMessage(body));
    const isLeft = chosen !== context.chosen;
    if (!isLeft) context.epoch += 1;
    update((state) => sent(state, key, answer, isLeft));
    outbox.forget(key);
    context.entered(answer.arrival);
    context.tell(asker, answer.reply ? [answer.message, answer.reply] : [answer.message], answer);
    // What was written behind it in a chat that has paused since, follows it into the next one.
    for (const other of context.state.pending)
      if (session && other.session === session && other.state === "queued") address(other, answer.session.id);
    // The server may have changed the session. The connection is good, so a failure is told by the next read.
    reading.catchUp().catch(report);
    return true;
  };

  /** Until the next attempt; with null, until something has changed. */
  const pause = async (milliseconds: number | null) => {
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (milliseconds !== null) timer = clock.setTimeout(resolve, milliseconds);
    });
    clock.clearTimeout(timer);
    timer = wake = null;
  };

  const take = async (message: KeptMessage, from: Outbox) => {
    const { key, session, at } = message;
    // What a visitor has left goes on in the chat that the login has moved, or waits for its writer.
    const isOurs = from === outbox;
    const isKnown = isOurs && (owner !== "" || !session || find(key));
    const isReady = isKnown || (session && (await reading.owns(session, message.reader)));
    if (!isReady) return isOurs ? outbox.forget(key) : from.letGo(key);
    if (!isOurs) {
      from.forget(key);
      kept(outbox.keep(message));
    }
    const isStale = clock.now() - at > STALE;
    if (!find(key)) {
      const pending: PendingMessage = {
        ...AFRESH,
        ...message,
        tried: !isStale,
        scope: message.scope ?? context.scope,
        ...(isStale && { state: "failed", problem: problemOf("Not sent.") }),
      };
      // It was a draft that a tab opened beside it shows, too.
      update((state) => queued(state, pending));
    }
  };

  /** One of which nobody can say now whose it is stays where it is until somebody can. */
  const adopt = (message: KeptMessage, from: Outbox, attempts: number) => {
    take(message, from).catch((error: unknown) => {
      const again = () => isOpen && adopt(message, from, attempts + 1);
      clock.setTimeout(again, backoff(attempts, random, error));
    });
  };

  const retry = (key: string, session: string | null) => {
    const message = find(key);
    if (message?.state !== "failed") return;
    address(message, session);
    set({ error: null });
  };

  const verbs: SendingVerbs = {
    send(text) {
      if (text.trim() === "" || context.state.viewing) return null;
      const { awaited, reader } = context;
      const session = awaited === undefined ? addressed() : awaited;
      const scope = awaited === null ? context.scope : context.shownScope();
      const message = {
        ...AFRESH,
        key: newKey(),
        content: text,
        session,
        scope,
        reader,
        tried: false,
        after: lastAsked(context.state.messages)?.id ?? null,
      };
      // Another tab, or what is in the field, may have words of its own there.
      if (hint.read().draft === text) hint.write({ draft: "" });
      keep(message);
      update((state) => ({ ...queued(state, message), greeting: null, error: null }));
      return message.key;
    },
    retry: (key) => retry(key, addressed()),
    async retryInEnded(key) {
      const ended = find(key)?.conflict?.session;
      if (ended && (await reopen(ended.id))) retry(key, ended.id);
    },
    retryInCurrent(key) {
      const conflict = find(key)?.conflict;
      if (conflict) retry(key, conflict.current?.id ?? null);
    },
    discard(key) {
      const message = find(key);
      if (!message || isUnderWay(message)) return;
      const draft = joinedText(message.content, context.state.draft);
      outbox.forget(key);
      update((state) => ({ ...withoutPending(state, key), draft }));
      reading.verbs.setDraft(draft);
    },
  };
  return {
    verbs,
    proceed,
    open() {
      // It may have left the page while it was asked whose storage this is.
      if (isOpen || !context.tabs) return;
      isOpen = true;
      const lose = (key: string) => update((state) => withoutPending(state, key));
      // Another tab may have sent it, or given its words back, while we were away.
      for (const { key } of context.state.pending) if (context.state.durable && !outbox.read(key)) lose(key);
      for (const from of outboxes) from.open((one) => adopt(one, from, 0), lose);
    },
    close() {
      isOpen = false;
      for (const from of outboxes) from.close();
      wake?.();
    },
    hurry() {
      // One that is old waits for the reader's word.
      for (const { key, tried, problem } of context.state.pending)
        if (tried && problem?.code === "network") change(key, AFRESH);
      if (!isToldToWait) wake?.();
    },
  };
}
