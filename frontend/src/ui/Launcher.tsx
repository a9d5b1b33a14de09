import { NamedIcon } from "./icons.js";
import { useWords } from "./words.js";

export interface LauncherProps {
  /** An answer has arrived while the chat was closed. */
  isUnread: boolean;
  onOpen: () => void;
}

/** The button of a floating chat that is closed. */
export function Launcher({ isUnread, onOpen }: LauncherProps) {
  const words = useWords();
  return (
    <button type="button" className="dcs-launcher" aria-haspopup="dialog" title={words.openChat} onClick={onOpen}>
      <NamedIcon name="chat" />
      <span className="dcs-hidden">{words.openChat}</span>
      {isUnread && (
        <span className="dcs-unread">
          <span className="dcs-hidden">{words.unread}</span>
        </span>
      )}
    </button>
  );
}
