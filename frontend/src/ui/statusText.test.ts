import { expect, it } from "vitest";
import type { SessionStatusInfo } from "../react/index.js";
import { spokenStatus } from "./statusText.js";
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
});
