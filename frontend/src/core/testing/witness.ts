import type { ChatStore } from "../chatStore.js";
import type { ChatSnapshot } from "../snapshot.js";
import { isUnfinished, runningReply } from "../transcript.js";
import type { Message, SendMessage, Session } from "../wire.js";

/** Looks at one chat all the time: what it shows may be late, and never goes back. */
export class Witness {
  /** What must not have been seen. */
  readonly seen: string[] = [];
  private readonly store: ChatStore;
  private before: ChatSnapshot;
  /** What stood there before the last change. */
  private stood: readonly Message[] = [];
  private choice: string | null = null;

  constructor(store: ChatStore) {
    this.store = store;
    this.before = store.getSnapshot();
    store.subscribe(() => this.look());
  }

  readonly isNew = ({ id }: Message): boolean => this.stood.every((message) => message.id !== id);

  /** A request leaves. One that was tried before may go at any time: nobody knows whether it was taken. */
  requested({ body }: RequestInit): void {
    const { key, session } = JSON.parse(String(body ?? "{}")) as Partial<SendMessage>;
    const { pending, messages, session: shown } = this.store.getSnapshot();
    const isFirst = pending.some((message) => message.key === key && !message.tried);
    const reply = runningReply(messages);
    if (isFirst && reply && session === shown?.id) this.seen.push(`${key} is sent while ${reply.id} is written`);
  }

  /** What the reader wants to see from now on; null for what is open. */
  chose(id: string | null): void {
    this.choice = id;
  }

  /** A verb is done, and this reply, the last one of its chat, is no longer under way. */
  stopped(reply: Message): void {
    const { messages } = this.store.getSnapshot();
    const shown = messages.find(({ id, attempt }) => id === reply.id && attempt === reply.attempt);
    if (shown && isUnfinished(shown)) this.seen.push(`${reply.id} was stopped and is ${shown.state}`);
  }

  /** What is shown that is not for whoever is there. */
  looksAt(words: readonly string[]): void {
    for (const word of words) this.seen.push(`${word} is somebody else's`);
  }

  /** A verb of some tab is done, and this session is no longer there. */
  removed(id: string): void {
    if (this.store.getSnapshot().session?.id === id) this.seen.push(`${id} was deleted and is shown`);
  }

  private look(): void {
    const { before } = this;
    this.stood = before.messages;
    this.before = this.store.getSnapshot();
    const { session, messages, readOnly } = this.before;
    // A page that was asked for takes the place of what is shown, and what it lacks is read next.
    const isChosen = session?.id === this.choice;
    const isNew = session?.id !== before.session?.id;
    if (isNew && readOnly && !isChosen) this.seen.push(`${session?.id} was not chosen last`);
    if (!isChosen && isBack(before.session, session)) this.seen.push(`${session?.id} was over and is active`);
    for (const message of isChosen ? [] : messages) {
      const known = before.messages.find(({ id }) => id === message.id);
      if (known && isOlder(message, known)) this.seen.push(`${message.id} was ${said(known)} and is ${said(message)}`);
    }
  }
}

function isBack(before: Session | null, after: Session | null): boolean {
  const isOver = before?.state === "ended" && before.id === after?.id;
  return isOver && after.state === "active" && after.last_activity_at <= before.last_activity_at;
}

function isOlder(after: Message, before: Message): boolean {
  if (after.attempt !== before.attempt) return after.attempt < before.attempt;
  return isUnfinished(after) && (!isUnfinished(before) || after.content.length < before.content.length);
}

function said({ state, content, attempt }: Message): string {
  return `${state} “${content}” (${attempt})`;
}
