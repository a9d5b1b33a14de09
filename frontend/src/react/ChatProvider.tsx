import { createContext, type ReactNode, useContext, useEffect, useInsertionEffect, useMemo, useRef } from "react";
import {
  type ApiClient,
  type ChatStore,
  createApiClient,
  createChatStore,
  createLiveUpdates,
  createTabChannel,
  type HistoryStore,
  type HistoryStoreOptions,
} from "../core/index.js";
import { firstOf } from "./useSelection.js";

export interface ChatProviderProps {
  /** Where the host includes `django_chat_sessions.urls`, such as `/chat`. */
  baseUrl?: string | undefined;
  /** What the chat is about; `""` when absent. */
  scope?: string | undefined;
  /** Names the signed-in reader, so that drafts of two people at one browser stay apart. */
  owner?: string | undefined;
  /** The `csrftoken` cookie when absent or null. */
  csrfToken?: string | (() => string | null | undefined) | undefined;
  headers?: Record<string, string> | (() => Record<string, string> | undefined) | undefined;
  /** Instead of `baseUrl`. */
  api?: ApiClient | undefined;
  /** Instead of a store made here; pass `api` or `baseUrl` too for the history. */
  store?: ChatStore | undefined;
  children?: ReactNode;
}

type HistoryParts = Omit<HistoryStoreOptions, "api">;

interface ChatConnection {
  store: ChatStore;
  /** Null where nobody can be asked for lists, as there is only a store. */
  api: ApiClient | null;
  /** One for all that show the same list. `create` comes with whoever asks: a chat alone does not load it. */
  history(scope: string | null, limit: number, create: (options: HistoryParts) => HistoryStore): HistoryStore;
}

const ChatConnectionContext = createContext<ChatConnection | null>(null);

export function ChatProvider(props: ChatProviderProps) {
  const { baseUrl, scope, owner, api, store, children } = props;
  const latest = useRef(props);
  // Before any effect of what is inside: it may ask for another reader's chats.
  useInsertionEffect(() => {
    latest.current = props;
  });
  const connections = useMemo(
    // JavaScript knows null, too; a name "null" would be one for all who are not signed in.
    () => createConnections({ baseUrl, owner: owner ?? "", api, store }, () => latest.current),
    [baseUrl, owner, api, store],
  );
  const connection = useMemo(() => connections.of(scope ?? ""), [connections, scope]);
  useEffect(() => connections.enter(connection), [connections, connection]);
  return <ChatConnectionContext.Provider value={connection}>{children}</ChatConnectionContext.Provider>;
}

/** The connection of the nearest provider; `caller` is named when there is none. */
export function useChatConnection(caller: string): ChatConnection {
  const connection = useContext(ChatConnectionContext);
  if (!connection) throw new Error(`${caller} must be used inside a <ChatProvider>.`);
  return connection;
}

type ConnectionParts = Pick<ChatProviderProps, "baseUrl" | "scope" | "owner" | "api" | "store">;

/** One for each scope. Where the page alone has a chat's words, that chat is there again when its scope is. */
function createConnections(parts: ConnectionParts, latest: () => ChatProviderProps) {
  const left = new Map<string, ChatConnection>();
  return {
    of: (scope: string) => left.get(scope) ?? createConnection({ ...parts, scope }, latest),
    enter(connection: ChatConnection) {
      const { store } = connection;
      const leave = store.connect();
      return () => {
        leave();
        if (store.getSnapshot().durable) left.delete(store.scope);
        else left.set(store.scope, connection);
      };
    },
  };
}

function createConnection(parts: ConnectionParts, latest: () => ChatProviderProps): ChatConnection {
  const api = parts.api ?? (parts.baseUrl == null ? null : createClient(parts.baseUrl, latest));
  if (!api && !parts.store) throw new Error("<ChatProvider> needs baseUrl, api or store.");
  const tabs = createTabChannel();
  const updates = api ? createLiveUpdates({ ...parts, api }) : undefined;
  const store = parts.store ?? createChatStore({ ...parts, api: api as ApiClient, tabs, updates });
  firstOf(store); // before it is connected
  const histories = new Map<string, HistoryStore>();
  return {
    store,
    api,
    history(scope, limit, create) {
      const key = JSON.stringify([scope, limit]);
      const known = histories.get(key) ?? create({ scope, limit, tabs, updates });
      histories.set(key, known);
      return known;
    },
  };
}

function createClient(baseUrl: string, latest: () => ChatProviderProps): ApiClient {
  return createApiClient({
    baseUrl,
    headers: () => current(latest().headers),
    csrfToken: () => current(latest().csrfToken),
  });
}

function current<T extends object | string | null>(given: T | (() => T | undefined) | undefined): T | undefined {
  return typeof given === "function" ? given() : given;
}
