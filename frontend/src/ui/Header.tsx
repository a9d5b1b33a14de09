import type { ReactNode } from "react";
import { useChatStore } from "../react/index.js";
import { IconButton } from "./IconButton.js";
import { SessionStatus } from "./SessionStatus.js";
import { useSlot } from "./slots.js";
import { useWords } from "./words.js";

export interface HeaderProps {
  title: string;
  /** The heading must have this id: the chat is named by it. */
  titleId: string;
  /** The history's button, where there is one. */
  history: ReactNode;
  /** Only in a chat that can be closed. */
  onClose: (() => void) | undefined;
}

export function Header({ title, titleId, history, onClose }: HeaderProps) {
  const words = useWords();
  const store = useChatStore();
  const Status = useSlot("Status", SessionStatus);
  return (
    <header className="dcs-header">
      <div className="dcs-heading">
        <h2 id={titleId}>{title}</h2>
        <Status />
      </div>
      {history}
      <IconButton name="plus" label={words.newChat} onClick={() => void store.startNew()} />
      {onClose && <IconButton name="close" label={words.closeChat} onClick={onClose} />}
    </header>
  );
}
