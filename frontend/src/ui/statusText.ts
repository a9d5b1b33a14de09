import { idleSeconds, type Message } from "../core/index.js";
import type { SessionStatusInfo } from "../react/index.js";
import { type ChatWords, clockText, durationText } from "./words.js";

/** Whether news cannot be had just now. */
export function isCutOff({ status, running }: SessionStatusInfo): boolean {
  return status === "offline" || status === "reconnecting" || running === "reconnecting";
}

/** What the status shows: short, for a narrow header. */
export function statusText(info: SessionStatusInfo, isDurable: boolean, words: ChatWords): string {
  const { status, running } = info;
  if (status === "offline") return isDurable ? words.statusOffline : words.statusOfflineFragile;
  if (isCutOff(info)) return words.statusReconnecting;
  if (running) return running === "writing" ? words.writing : words.thinking;
  if (status === "expiring") return words.statusExpiring(clockText(info.remainingSeconds ?? 0));
  if (status === "expired") return expiredText(info, words);
  return {
    loading: words.loading,
    new: words.statusNew,
    active: words.statusActive,
    resumed: words.statusResumed,
    reopened: words.statusReopened,
    ended: words.statusEnded,
    reconnecting: words.statusReconnecting,
  }[status];
}

/** What is said of it: "" for what needs no words, null while nothing is known. */
export function spokenStatus(info: SessionStatusInfo, isDurable: boolean, words: ChatWords): string | null {
  const { status, running } = info;
  if (status === "loading") return null;
  if (running && status !== "offline") return running === "reconnecting" ? words.reconnecting : words.thinking;
  if (status === "active" || status === "resumed") return "";
  if (status === "expiring") return spokenCountdown(info, words);
  const text = statusText(info, isDurable, words);
  const isOver = (status === "expired" || status === "ended") && !info.readOnly;
  return isOver ? `${text}. ${words.nextStartsNew}` : text;
}

/** Why an answer is not whole. */
export function problemText({ state, error }: Message, words: ChatWords): string | null {
  if (state === "failed") return error || words.answerFailed;
  if (state === "interrupted") return error || words.interrupted;
  return state === "stopped" ? words.stopped : null;
}

/** How an answer ended. */
export function answerOutcome(answer: Message, words: ChatWords): string {
  return problemText(answer, words) ?? words.answerReady;
}

function expiredText({ session, previous }: SessionStatusInfo, words: ChatWords): string {
  const expired = session ?? previous;
  if (expired?.end_reason !== "idle") return words.statusExpiredOtherwise;
  return words.statusExpired(durationText(idleSeconds(expired), words.locale));
}

const SPOKEN_AT = [10, 30, 60] as const;

/** When the warning appears and again near the end, not every second. */
function spokenCountdown({ remainingSeconds }: SessionStatusInfo, words: ChatWords): string {
  const left = remainingSeconds ?? 0;
  return words.statusExpiringSpoken(durationText(SPOKEN_AT.find((step) => left <= step) ?? left, words.locale));
}
