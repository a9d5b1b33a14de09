import { createContext, useContext, useMemo } from "react";
import type { ChatProblem } from "../core/index.js";
import { englishFootnoteWords } from "./footnoteWords.js";
import { englishChatWords, useWords, type Words } from "./words.js";

/** What only a history says: it comes with its code, later than the chat. */
export interface HistoryWords {
  search: string;
  searching: string;
  foundCount: (count: number) => string;
  moreToFind: string;
  noSessions: string;
  noneFound: (query: string) => string;
  archivedSessions: string;
  noArchived: string;
  allSessions: string;
  moreSessions: string;
  untitled: string;
  openNow: string;
  isPinned: string;
  isArchived: string;
  pinned: string;
  today: string;
  yesterday: string;
  week: string;
  older: string;
  more: (title: string) => string;
  pin: string;
  unpin: string;
  rename: string;
  renameLabel: string;
  archive: string;
  unarchive: string;
  remove: string;
  removed: string;
  archived: string;
  unarchived: string;
  undo: string;
}

const englishHistoryWords: HistoryWords = {
  search: "Search chats",
  searching: "Searching…",
  foundCount: (count) => (count === 1 ? "1 chat found" : `${count} chats found`),
  moreToFind: "There may be more. Add a word to find it.",
  noSessions: "Your chats will appear here.",
  noneFound: (query) => `No chat matches “${query}”.`,
  archivedSessions: "Archived chats",
  noArchived: "No archived chats.",
  allSessions: "Back to all chats",
  moreSessions: "Show more",
  untitled: "New chat",
  openNow: "Open",
  isPinned: "Pinned",
  isArchived: "Archived",
  pinned: "Pinned",
  today: "Today",
  yesterday: "Yesterday",
  week: "Previous 7 days",
  older: "Older",
  more: (title) => `Options for “${title}”`,
  pin: "Pin",
  unpin: "Unpin",
  rename: "Rename",
  renameLabel: "Title",
  archive: "Archive",
  unarchive: "Move back",
  remove: "Delete",
  removed: "Chat deleted",
  archived: "Chat archived",
  unarchived: "Chat moved back",
  undo: "Undo",
};

export const englishWords: Words = { ...englishChatWords, ...englishHistoryWords, ...englishFootnoteWords };

const HistoryWordsContext = createContext<Words>(englishWords);
export const HistoryWordsProvider = HistoryWordsContext.Provider;

/** All words in force for a history, with those given to it on top. */
export function useAllWords(own?: Partial<Words>): Words {
  const known = useWords(own);
  return useMemo(() => ({ ...englishWords, ...known }), [known]);
}

/** The words that the history around this provides. */
export function useHistoryWords(): Words {
  return useContext(HistoryWordsContext);
}

/** What the API itself said to its reader; null where no answer of its came, but a proxy's or none. */
export function refusalIn(problem: ChatProblem | null): string | null {
  return !problem || problem.code === "network" || problem.code === "unexpected" ? null : problem.message;
}
