export { ChatHistory, type ChatHistoryProps } from "./ChatHistory.js";
export { ChatWidget, type ChatWidgetProps } from "./ChatWidget.js";
export { Composer, type ComposerProps } from "./Composer.js";
export { MessageList, type MessageListProps } from "./MessageList.js";
export { SessionStatus, type SessionStatusProps } from "./SessionStatus.js";
export { englishWords, type Words } from "./words.js";
