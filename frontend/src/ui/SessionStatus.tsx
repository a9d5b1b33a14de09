import { idleSeconds } from "../core/index.js";
import { type SessionStatusInfo, useSessionStatus } from "../react/index.js";
import { type IconName, NamedIcon } from "./icons.js";
import { clockText, durationText, useWords, type Words } from "./words.js";

export interface SessionStatusProps {
  words?: Partial<Words>;
  className?: string;
}

/** Where the session stands: text, colour and icon, announced to screen readers. */
export function SessionStatus({ words: own, className = "" }: SessionStatusProps) {
  const words = useWords(own);
  const info = useSessionStatus();
  const isExpiring = info.status === "expiring" && info.running === null;
  return (
    <div className={`dcs dcs-status ${className}`} data-status={info.status} data-running={info.running ?? undefined}>
      <span className="dcs-status-icon">
        <NamedIcon name={iconFor(info)} />
      </span>
      <span role="status" className="dcs-status-text">
        <span aria-hidden={isExpiring || undefined}>{textFor(info, words)}</span>
        {isExpiring && <span className="dcs-hidden">{spokenText(info, words)}</span>}
      </span>
      {isExpiring && (
        <button type="button" className="dcs-link" onClick={() => void info.keep()}>
          {words.keepChat}
        </button>
      )}
    </div>
  );
}

const ICONS: Record<SessionStatusInfo["status"], IconName> = {
  loading: "clock",
  new: "spark",
  active: "check",
  resumed: "check",
  reopened: "check",
  expiring: "clock",
  expired: "pause",
  ended: "pause",
  offline: "offline",
  reconnecting: "offline",
};

function iconFor({ status, running }: SessionStatusInfo): IconName {
  if (running === "reconnecting") return "offline";
  return running !== null && ICONS[status] !== "offline" ? "spark" : ICONS[status];
}

function textFor(info: SessionStatusInfo, words: Words): string {
  const { status, running } = info;
  if (status === "offline") return words.statusOffline;
  if (running === "reconnecting") return words.reconnecting;
  if (status === "reconnecting") return words.statusReconnecting;
  if (running !== null) return running === "writing" ? words.writing : words.thinking;
  if (status === "expiring") return words.statusExpiring(clockText(info.remainingSeconds ?? 0));
  if (status === "expired") return expiredText(info, words);
  return {
    loading: words.loading,
    new: words.statusNew,
    active: words.statusActive,
    resumed: words.statusResumed,
    reopened: words.statusReopened,
    ended: words.statusEnded,
  }[status];
}

function expiredText({ session, previous }: SessionStatusInfo, words: Words): string {
  const expired = session ?? previous;
  if (expired === null || expired.end_reason !== "idle") return words.statusExpiredOtherwise;
  return words.statusExpired(durationText(idleSeconds(expired), words.locale));
}

const SPOKEN_AT = [10, 30, 60] as const;

/** Spoken when the warning appears and again near the end, not every second. */
function spokenText({ remainingSeconds }: SessionStatusInfo, words: Words): string {
  const left = remainingSeconds ?? 0;
  return words.statusExpiringSpoken(durationText(SPOKEN_AT.find((step) => left <= step) ?? left, words.locale));
}
