import { useMemo } from "react";
import type { ChatSnapshot, ChatStore } from "../core/index.js";
import { useChatConnection } from "./ChatProvider.js";
import { useSelection } from "./useSelection.js";

export type ChatVerbs = Pick<
  ChatStore,
  | "load"
  | "send"
  | "retry"
  | "retryInEnded"
  | "retryInCurrent"
  | "discard"
  | "startNew"
  | "reopen"
  | "end"
  | "stop"
  | "retryReply"
  | "touch"
  | "keep"
  | "open"
  | "openCurrent"
  | "loadOlder"
  | "setDraft"
  | "dismissError"
>;

export type Chat = ChatSnapshot & ChatVerbs;

/** The store itself; it never changes while the provider's props stay the same. */
export function useChatStore(): ChatStore {
  return useChatConnection("useChatStore").store;
}

/** One part of the snapshot: `useChatSelector((chat) => chat.status)`. */
export function useChatSelector<T>(select: (snapshot: ChatSnapshot) => T, isEqual?: (a: T, b: T) => boolean): T {
  return useSelection(useChatConnection("useChatSelector").store, select, isEqual);
}

/** The whole chat: everything in the snapshot, and every verb. */
export function useChat(): Chat {
  const { store } = useChatConnection("useChat");
  const snapshot = useSelection(store, (whole) => whole);
  return useMemo(() => {
    const { scope, getSnapshot, subscribe, connect, hide, ...verbs } = store;
    return { ...snapshot, ...verbs };
  }, [snapshot, store]);
}
