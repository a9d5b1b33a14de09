import { type BrowserChannel, browserChannel, type OpenChannel } from "./browserChannel.js";
import type { Arrival, Message, Session } from "./wire.js";

/** "Session X of scope S changed": a reason to read again. */
export interface TabMessage {
  scope: string;
  session: string | null;
  /** It was deleted here: nobody need be told that it is gone. */
  isDeleted?: boolean;
  /** What the server has just said of it, so that the other tabs need not wait until they have read it too. */
  answer?: TabAnswer;
}

export interface TabAnswer {
  /** Whose chats these are: another login in another tab has others. */
  reader: string | null;
  arrival: Arrival;
  session: Session;
  messages?: Message[];
}

export interface TabMember {
  /** Tell every other member, in this page and in other tabs. */
  tell(message: TabMessage): void;
  /** Tell the other members of this page only, when other tabs find out by themselves. */
  tellPage(message: TabMessage): void;
  leave(): void;
}

export interface TabChannel {
  join(listener: (message: TabMessage) => void): TabMember;
}

/** Open between its first member and its last; with null, for the members of one page only. */
export function createTabChannel(open: OpenChannel<TabMessage> | null = browserChannel): TabChannel {
  const listeners = new Set<(message: TabMessage) => void>();
  let channel: BrowserChannel<TabMessage> | null = null;
  const deliver = (message: TabMessage, except?: (message: TabMessage) => void) => {
    for (const listener of [...listeners]) if (listener !== except) listener(message);
  };
  return {
    join(given) {
      const listener = (message: TabMessage) => given(message);
      listeners.add(listener);
      channel ??= open?.("changes", deliver) ?? null;
      const tellPage = (message: TabMessage) => deliver(message, listener);
      return {
        tellPage,
        tell(message) {
          channel?.post(message);
          tellPage(message);
        },
        leave() {
          listeners.delete(listener);
          if (listeners.size > 0) return;
          channel?.close();
          channel = null;
        },
      };
    },
  };
}
