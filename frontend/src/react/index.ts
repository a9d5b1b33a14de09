export { ChatProvider, type ChatProviderProps } from "./ChatProvider.js";
export { type Chat, type ChatVerbs, useChat, useChatSelector, useChatStore } from "./useChat.js";
export { type ChatHistoryOptions, type ChatHistoryState, useChatHistory } from "./useChatHistory.js";
export { type SessionStatusInfo, useSessionStatus } from "./useSessionStatus.js";
