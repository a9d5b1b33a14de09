import { type ComponentType, createContext, useContext } from "react";
import type { BoundaryNoticeProps } from "./BoundaryNotice.js";
import type { ChatHistoryProps } from "./ChatHistory.js";
import type { ComposerProps } from "./Composer.js";
import type { HeaderProps } from "./Header.js";
import type { LauncherProps } from "./Launcher.js";
import type { GreetingProps } from "./MessageList.js";
import type { ContentProps, MessageRowProps } from "./MessageRow.js";
import type { PendingRowProps } from "./PendingRow.js";
import type { SessionStatusProps } from "./SessionStatus.js";

/** The parts of a widget. A component given for one gets the props of the part that it replaces. */
export interface ChatSlots {
  Header: ComponentType<HeaderProps>;
  Status: ComponentType<SessionStatusProps>;
  Greeting: ComponentType<GreetingProps>;
  Message: ComponentType<MessageRowProps>;
  /** The text of a message, stored or pending. */
  Content: ComponentType<ContentProps>;
  Pending: ComponentType<PendingRowProps>;
  Boundary: ComponentType<BoundaryNoticeProps>;
  Notice: ComponentType;
  Composer: ComponentType<ComposerProps>;
  History: ComponentType<ChatHistoryProps>;
  Launcher: ComponentType<LauncherProps>;
}

export const SlotsContext = createContext<Partial<ChatSlots> | undefined>(undefined);

/** The host's component for this part, else ours. */
export function useSlot<Name extends keyof ChatSlots>(name: Name, ours: ChatSlots[Name]): ChatSlots[Name] {
  return useContext(SlotsContext)?.[name] ?? ours;
}
