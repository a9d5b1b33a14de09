import type { ApiClient } from "./apiClient.js";
import { type ChatState, INITIAL_STATE, problemOf } from "./chatState.js";
import type { Clock } from "./clock.js";
import { ApiError, isConnectionTrouble } from "./errors.js";
import type { UpdatesMember } from "./liveUpdates.js";
import type { PageSignals } from "./pageSignals.js";
import type { StoredHint } from "./storedHint.js";
import type { TabMember } from "./tabChannel.js";
import type { Arrival, Time } from "./wire.js";

export interface ContextParts {
  api: ApiClient;
  scope: string;
  clock: Clock;
  page: PageSignals;
  hint: StoredHint;
  newKey: () => string;
  random: () => number;
}

interface ContextEvents {
  changed(): void;
  /** An answer has come: news may go on. */
  settled(): void;
}

/** What every effect of one chat shares: its state, and the one way to ask the server. */
export class ChatContext {
  readonly parts: ContextParts;
  state: ChatState = INITIAL_STATE;
  /** Raised by whatever makes answers that are still under way out of date. */
  epoch = 0;
  /** Answers under way that news must not overtake: what they say may be older. */
  private asked = 0;
  /** Present while the chat is connected. */
  tabs: TabMember | null = null;
  live: UpdatesMember | null = null;
  private readonly events: ContextEvents;

  constructor(parts: ContextParts, events: ContextEvents) {
    this.parts = parts;
    this.events = events;
  }

  /** Whether news can be put on top of what is known; a message on its way would be shown twice. */
  get isSettled(): boolean {
    return this.asked === 0 && !this.state.pending.some(({ state }) => state === "sending");
  }

  update(change: (state: ChatState) => ChatState): void {
    const next = change(this.state);
    if (next === this.state) return;
    this.state = next;
    this.events.changed();
  }

  /** Ask the server; learn its time and whether it can be reached. */
  async call<T extends { server_time: Time }>(request: () => Promise<T>): Promise<T> {
    const { clock, page } = this.parts;
    const askedAt = clock.now();
    this.asked += 1;
    try {
      const answer = await request();
      clock.observe(answer.server_time, askedAt, clock.now());
      this.reached();
      return answer;
    } catch (error) {
      if (!isConnectionTrouble(error)) this.reached();
      else this.update((state) => ({ ...state, failures: state.failures + 1, online: page.isOnline() }));
      throw error;
    } finally {
      this.asked -= 1;
      this.events.settled();
    }
  }

  /** Show a refusal; trouble with the connection is a status, not an error. */
  report(error: unknown): void {
    if (!isConnectionTrouble(error)) this.update((state) => ({ ...state, error: problemOf(error) }));
  }

  tell(session: string | null): void {
    this.tabs?.tell({ scope: this.parts.scope, session });
  }

  /** Our own verb has begun a session. */
  entered({ reason }: Arrival): void {
    if (reason === "first") this.live?.renew();
  }

  reached(): void {
    const online = this.parts.page.isOnline();
    const { failures, lostNews } = this.state;
    if (failures === 0 && lostNews < 2 && this.state.online === online) return;
    // The server is there, even if news do not come yet.
    this.update((state) => ({ ...state, failures: 0, lostNews: Math.min(1, lostNews), online }));
  }
}

export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
