import type { ChatSnapshot, ChatStore } from "../core/index.js";
import { useChatConnection } from "./ChatProvider.js";
import { shallowEqual, useSelection } from "./useSelection.js";

export type SessionStatusInfo = Pick<
  ChatSnapshot,
  "status" | "running" | "arrival" | "session" | "previous" | "remainingSeconds" | "readOnly"
> &
  Pick<ChatStore, "keep" | "startNew" | "reopen" | "end" | "stop">;

/** Where the session stands, without the transcript: renders again only when that changes. */
export function useSessionStatus(): SessionStatusInfo {
  const { store } = useChatConnection("useSessionStatus");
  const facts = useSelection(store, pick, shallowEqual);
  const { keep, startNew, reopen, end, stop } = store;
  return { ...facts, keep, startNew, reopen, end, stop };
}

function pick(snapshot: ChatSnapshot) {
  const { status, running, arrival, session, previous, remainingSeconds, readOnly } = snapshot;
  return { status, running, arrival, session, previous, remainingSeconds, readOnly };
}
