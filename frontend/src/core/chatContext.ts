import type { ApiClient } from "./apiClient.js";
import { type ChatState, INITIAL_STATE, problemOf } from "./chatState.js";
import type { Clock } from "./clock.js";
import { ApiError, isConnectionTrouble } from "./errors.js";
import type { PageSignals } from "./pageSignals.js";
import type { StoredHint } from "./storedHint.js";
import type { TabMember } from "./tabChannel.js";
import type { Time } from "./wire.js";

export interface ContextParts {
  api: ApiClient;
  scope: string;
  clock: Clock;
  page: PageSignals;
  hint: StoredHint;
  newKey: () => string;
  random: () => number;
}

/** What every effect of one chat shares: its state, and the one way to ask the server. */
export class ChatContext {
  readonly parts: ContextParts;
  state: ChatState = INITIAL_STATE;
  /** Raised by whatever makes answers that are still under way out of date. */
  epoch = 0;
  /** Present while the chat is connected. */
  tabs: TabMember | null = null;
  private readonly changed: () => void;

  constructor(parts: ContextParts, changed: () => void) {
    this.parts = parts;
    this.changed = changed;
  }

  update(change: (state: ChatState) => ChatState): void {
    const next = change(this.state);
    if (next === this.state) return;
    this.state = next;
    this.changed();
  }

  /** Ask the server; learn its time and whether it can be reached. */
  async call<T extends { server_time: Time }>(request: () => Promise<T>): Promise<T> {
    const { clock, page } = this.parts;
    const askedAt = clock.now();
    try {
      const answer = await request();
      clock.observe(answer.server_time, askedAt, clock.now());
      this.reached();
      return answer;
    } catch (error) {
      if (!isConnectionTrouble(error)) this.reached();
      else this.update((state) => ({ ...state, failures: state.failures + 1, online: page.isOnline() }));
      throw error;
    }
  }

  /** Show a refusal; trouble with the connection is a status, not an error. */
  report(error: unknown): void {
    if (!isConnectionTrouble(error)) this.update((state) => ({ ...state, error: problemOf(error) }));
  }

  tell(session: string | null): void {
    this.tabs?.tell({ scope: this.parts.scope, session });
  }

  private reached(): void {
    const online = this.parts.page.isOnline();
    if (this.state.failures === 0 && this.state.online === online) return;
    this.update((state) => ({ ...state, failures: 0, online }));
  }
}

export function isGone(error: unknown): boolean {
  return error instanceof ApiError && error.status === 404;
}
