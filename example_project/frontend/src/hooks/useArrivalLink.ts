import { useEffect, useRef } from "react";
import type { XpChat } from "./useChat";

export interface ArrivalLink {
  /** A question to put into the composer. */
  ask: string | null;
  /** A conversation to show. */
  chat: string | null;
}

/** What `?ask=…` or `?chat=…` wants; taken out of the address, so that a reload does not want it again. */
export function takeArrivalLink(): ArrivalLink {
  const address = new URL(location.href);
  const link = { ask: address.searchParams.get("ask"), chat: address.searchParams.get("chat") };
  address.searchParams.delete("ask");
  address.searchParams.delete("chat");
  if (address.href !== location.href) history.replaceState(history.state, "", address);
  return link;
}

/** Follow the link once, when it is known what the reader already has here. */
export function useArrivalLink(link: ArrivalLink, chat: XpChat): void {
  const isDone = useRef(false);
  useEffect(() => {
    if (isDone.current || chat.status === "loading") return;
    isDone.current = true;
    if (link.chat !== null && link.chat !== chat.session?.id) void chat.open(link.chat);
    if (link.ask !== null && chat.draft === "") chat.setDraft(link.ask);
  }, [link, chat]);
}
