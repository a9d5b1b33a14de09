import { expect, it } from "vitest";
import type { Message, Session } from "../core/index.js";
import type { SessionStatusInfo } from "../react/index.js";
import { problemText, spokenStatus, statusText } from "./statusText.js";
import { englishChatWords } from "./words.js";

const spoken = (info: Partial<SessionStatusInfo>) =>
  spokenStatus(
    { status: "active", running: null, readOnly: false, ...info } as SessionStatusInfo,
    true,
    englishChatWords,
  );

it("of a chat that is over tells what the next message would do, but not where none can be written", () => {
  expect(spoken({ status: "ended" })).toBe("This chat has ended. Your next message starts a new chat.");
  expect(spoken({ status: "ended", readOnly: true })).toBe("This chat has ended");
});

it("of an answer that is being written tells nothing while the device is offline", () => {
  expect(spoken({ running: "writing" })).toBe("Thinking…");
  expect(spoken({ status: "offline", running: "writing" })).toBe("Offline – your words are kept");
  expect(spoken({ running: "reconnecting" })).toBe("Connection lost. The answer goes on.");
});

it.each([
  ["failed", "The answer failed"],
  ["interrupted", "The answer was interrupted."],
])("of an answer that %s tells what the server says of it, if anything", (state, own) => {
  const told = (error: string) => problemText({ state, error } as Message, englishChatWords);
  expect([told("The model is away."), told("")]).toEqual(["The model is away.", own]);
});

it("of a page that loads tells nothing", () => {
  expect(spoken({ status: "loading" })).toBeNull();
});

it("of a chat that pauses soon tells so much time as is left", () => {
  const left = [61, 60, 31, 30, 10].map((remainingSeconds) => spoken({ status: "expiring", remainingSeconds }));
  expect(left.map((text) => /[\d.]+ \w+/.exec(text ?? "")?.[0])).toEqual([
    "61 seconds",
    "1 minute",
    "1 minute",
    "30 seconds",
    "10 seconds",
  ]);
});

it("of a chat that has paused says why: the one on screen, else the one before", () => {
  const session = (end_reason: string) => ({ end_reason, last_activity_at: AT, ended_at: LATER }) as Session;
  const text = (info: Partial<SessionStatusInfo>) =>
    statusText({ status: "expired", running: null, ...info } as SessionStatusInfo, true, englishChatWords);
  const byTime = "This chat paused after 5 minutes without activity";
  expect(text({ session: session("idle"), previous: session("max_age") })).toBe(byTime);
  expect(text({ session: null, previous: session("idle") })).toBe(byTime);
  expect(text({ session: session("max_age"), previous: session("idle") })).toBe(
    englishChatWords.statusExpiredOtherwise,
  );
});

const AT = "2026-11-22T12:00:00.000000Z";
const LATER = "2026-11-22T12:05:00.000000Z";
