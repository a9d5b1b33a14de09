export {
  type ApiClient,
  type ApiClientOptions,
  createApiClient,
  type ListOptions,
  type PageOptions,
  type SearchOptions,
  type StreamOptions,
  type UpdatesOptions,
} from "./apiClient.js";
export type { BrowserChannel, OpenChannel } from "./browserChannel.js";
export type { ChatProblem, PendingMessage } from "./chatState.js";
export { type ChatStore, type ChatStoreOptions, createChatStore } from "./chatStore.js";
export { type Clock, createClock, systemTimers, type Timers } from "./clock.js";
export { ApiError, type ApiErrorCode } from "./errors.js";
export {
  createHistoryStore,
  type HistorySnapshot,
  type HistoryStore,
  type HistoryStoreOptions,
} from "./historyStore.js";
export type { BrowserStorage } from "./jsonStorage.js";
export {
  createLiveUpdates,
  type LiveUpdates,
  type LiveUpdatesOptions,
  type NewsRules,
  type UpdatesListener,
  type UpdatesMember,
} from "./liveUpdates.js";
export { browserPage, type PageSignal, type PageSignals } from "./pageSignals.js";
export type { NewsMessage } from "./sharedUpdates.js";
export type { ChatSnapshot, ChatStatus, TranscriptEntry } from "./snapshot.js";
export { createTabChannel, type TabChannel, type TabMember, type TabMessage } from "./tabChannel.js";
export { browserLock, type TabLock } from "./tabLock.js";
export { type Boundary, idleSeconds, isUnfinished } from "./transcript.js";
export type { News } from "./updatesReader.js";
export type * from "./wire.js";
