import type { Words } from "django-chat-sessions/ui";

/** What XP says in its own way; all other words are the package's. */
export const xpWords: Partial<Words> = {
  assistant: "XP",
  placeholder: "Ask about the texts…",
  sources: "From the texts",
  history: "Your chats",
  noSessions: "Your chats about this subject will appear here.",
};
