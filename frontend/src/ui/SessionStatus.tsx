import { type SessionStatusInfo, useChatSelector, useSessionStatus } from "../react/index.js";
import { Announcer, useAnnounce } from "./Announcer.js";
import { type IconName, NamedIcon } from "./icons.js";
import { LinkButton } from "./LinkButton.js";
import { isCutOff, statusText } from "./statusText.js";
import { useWords, type Words, WordsContext } from "./words.js";

export interface SessionStatusProps {
  words?: Partial<Words> | undefined;
  className?: string | undefined;
}

/** Where the session stands: text, colour and icon. By itself, it also tells those who listen. */
export function SessionStatus({ words: own, className = "" }: SessionStatusProps) {
  const words = useWords(own);
  const info = useSessionStatus();
  const isDurable = useChatSelector((chat) => chat.durable);
  const isAnnounced = useAnnounce() !== null;
  const icon = iconFor(info);
  const isExpiring = info.status === "expiring" && !info.running;
  return (
    <WordsContext.Provider value={words}>
      <div
        className={`${isAnnounced ? "" : "dcs "}dcs-status ${className}`}
        lang={words.locale}
        data-status={info.status}
        data-running={info.running ?? undefined}
        data-icon={icon}
      >
        <NamedIcon name={icon} />
        <span className="dcs-status-text">{statusText(info, isDurable, words)}</span>
        {isExpiring && <LinkButton onClick={() => void info.keep()}>{words.keepChat}</LinkButton>}
        {!isAnnounced && <Announcer />}
      </div>
    </WordsContext.Provider>
  );
}

/** Of those that do not simply go on. */
const ICONS: Partial<Record<SessionStatusInfo["status"], IconName>> = {
  loading: "clock",
  new: "spark",
  expiring: "clock",
  expired: "pause",
  ended: "pause",
};

function iconFor(info: SessionStatusInfo): IconName {
  if (isCutOff(info)) return "offline";
  return info.running ? "spark" : (ICONS[info.status] ?? "check");
}
