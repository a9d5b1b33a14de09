import { type Chat, useChat as usePackageChat } from "django-chat-sessions/react";

export interface XpChat extends Chat {
  /** Nothing has been said here yet, so questions to try are of use. */
  isBlank: boolean;
}

/** The package's chat, and what XP's own components ask of it. */
export function useChat(): XpChat {
  const chat = usePackageChat();
  const isBlank = chat.status !== "loading" && !chat.readOnly && chat.entries.length === 0;
  return { ...chat, isBlank };
}
