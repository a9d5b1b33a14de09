import { createContext, useContext, useMemo } from "react";
import { dateText } from "./dateText.js";
import type { FootnoteWords } from "./footnoteWords.js";
import type { HistoryWords } from "./historyWords.js";

/** What the chat says; what only a history or footnotes say comes with their code. */
export interface ChatWords {
  /** For dates and numbers; the browser's language when undefined, or when it names none. */
  locale: string | undefined;
  title: string;
  greeting: string;
  you: string;
  assistant: string;
  transcript: string;
  messageLabel: string;
  placeholder: string;
  send: string;
  stop: string;
  sending: string;
  waitingForConnection: string;
  waitingForTurn: string;
  thinking: string;
  writing: string;
  reconnecting: string;
  answerReady: string;
  answerElsewhere: string;
  answerFailed: string;
  interrupted: string;
  stopped: string;
  askAgain: string;
  copy: string;
  copied: string;
  tryAgain: string;
  editMessage: string;
  notSent: string;
  turnInProgress: string;
  sessionEnded: string;
  sendInEnded: string;
  sendInCurrent: string;
  sources: string;
  olderMessages: string;
  loading: string;
  jumpToLatest: string;
  unexpected: string;
  gone: string;
  dismiss: string;
  openChat: string;
  closeChat: string;
  newChat: string;
  continueChat: string;
  continuePrevious: string;
  continuePreviousOne: string;
  keepChat: string;
  nextStartsNew: string;
  readingOlder: string;
  backToCurrent: string;
  statusActive: string;
  statusNew: string;
  statusResumed: string;
  statusReopened: string;
  statusExpiring: (clock: string) => string;
  statusExpiringSpoken: (duration: string) => string;
  statusExpired: (duration: string) => string;
  statusExpiredOtherwise: string;
  statusEnded: string;
  statusOffline: string;
  statusOfflineFragile: string;
  statusReconnecting: string;
  connectedAgain: string;
  boundary: (duration: string) => string;
  boundaryOtherwise: string;
  boundaryByWish: string;
  boundaryDay: string;
  boundaryMaxAge: string;
  history: string;
  historyFailed: string;
  notDone: string;
  unread: string;
}

/** Every word the interface says. Pass some of them as `words` to change or translate them. */
export interface Words extends ChatWords, HistoryWords, FootnoteWords {}

/** Those that come later only where a host has given them. */
export type KnownWords = ChatWords & Partial<Words>;

export const englishChatWords: ChatWords = {
  locale: undefined,
  title: "Chat",
  greeting: "How can I help?",
  you: "You",
  assistant: "Assistant",
  transcript: "Conversation",
  messageLabel: "Message",
  placeholder: "Write a message…",
  send: "Send",
  stop: "Stop",
  sending: "Sending…",
  waitingForConnection: "Waiting for the connection…",
  waitingForTurn: "Waiting for its turn…",
  thinking: "Thinking…",
  writing: "Writing an answer…",
  reconnecting: "Connection lost. The answer goes on.",
  answerReady: "Answer ready",
  answerElsewhere: "New answer in another chat",
  answerFailed: "The answer failed",
  interrupted: "The answer was interrupted.",
  stopped: "The answer was stopped.",
  askAgain: "Ask again",
  copy: "Copy",
  copied: "Copied",
  tryAgain: "Try again",
  editMessage: "Edit",
  notSent: "Not sent.",
  turnInProgress: "An answer is being written. Try again when it is ready.",
  sessionEnded: "This chat has ended. Where should this go?",
  sendInEnded: "Continue this chat",
  sendInCurrent: "Send in the current chat",
  sources: "Sources",
  olderMessages: "Show earlier messages",
  loading: "Loading…",
  jumpToLatest: "Jump to latest",
  unexpected: "That did not work.",
  gone: "This chat is gone: deleted, or you are not signed in as before.",
  dismiss: "Dismiss",
  openChat: "Open chat",
  closeChat: "Close chat",
  newChat: "New chat",
  continueChat: "Continue this chat",
  continuePrevious: "Continue the previous chat",
  continuePreviousOne: "Continue the previous one",
  keepChat: "Keep this chat",
  nextStartsNew: "Your next message starts a new chat.",
  readingOlder: "You are reading an older chat.",
  backToCurrent: "Back to the current chat",
  statusActive: "Active",
  statusNew: "New chat",
  statusResumed: "Welcome back, your chat is still here",
  statusReopened: "Chat continued",
  statusExpiring: (clock) => `This chat pauses in ${clock}`,
  statusExpiringSpoken: (duration) => `This chat pauses in ${duration}. Keep this chat?`,
  statusExpired: (duration) => `This chat paused after ${duration} without activity`,
  statusExpiredOtherwise: "This chat has paused",
  statusEnded: "This chat has ended",
  statusOffline: "Offline – your words are kept",
  statusOfflineFragile: "Offline – keep this page open",
  statusReconnecting: "Reconnecting…",
  connectedAgain: "Connected again",
  boundary: (duration) => `New chat started: ${duration} without activity`,
  boundaryOtherwise: "New chat started",
  boundaryByWish: "New chat started at your request",
  boundaryDay: "New chat started: a new day",
  boundaryMaxAge: "New chat started: the previous one reached its time limit",
  history: "Chats",
  historyFailed: "The chats could not be loaded.",
  notDone: "That did not work: the server could not be reached.",
  unread: "New answer",
};

export const WordsContext = createContext<KnownWords>(englishChatWords);

/** The words in force, with those given to a component on top; the same object while those are. */
export function useWords(own?: Partial<Words>): KnownWords {
  const inherited = useContext(WordsContext);
  return useMemo(() => (own ? merged(inherited, own) : inherited), [inherited, own]);
}

function merged(inherited: KnownWords, own: Partial<Words>): KnownWords {
  const given = Object.entries(own).filter(([, word]) => word !== undefined);
  const words: KnownWords = { ...inherited, ...Object.fromEntries(given) };
  return { ...words, locale: localeOf(words.locale) };
}

/** As `Intl` takes it, which throws for any other; the browser's language for what is none. */
function localeOf(name: string | undefined): string | undefined {
  try {
    return Intl.getCanonicalLocales(name?.replaceAll("_", "-"))[0];
  } catch {
    return undefined;
  }
}

const UNITS = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
] as const;

/** "5 minutes", in the language of the words; "90 minutes", for half an hour is too much to leave out of one and a half. */
export function durationText(seconds: number, locale: string | undefined): string {
  const [unit, size] =
    UNITS.find(([, length]) => seconds >= 2 * length || seconds === length) ?? (["second", 1] as const);
  const number = Math.max(0, Math.floor(seconds / size));
  return new Intl.NumberFormat(locale ?? "en", { style: "unit", unit, unitDisplay: "long" }).format(number);
}

/** "0:45". */
export function clockText(seconds: number): string {
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A time of day, with the date unless that is today; `today` is when the day began. */
export function momentText(time: string, locale: string | undefined, today: number): string {
  const moment = new Date(time);
  return dateText(moment, locale, { timeStyle: "short", dateStyle: +moment < today ? "medium" : undefined });
}
