/** Messages among the tabs of one browser; the sender does not hear its own. */
export interface BrowserChannel<T> {
  post(message: T): void;
  close(): void;
}

/** Null where it is refused, as where cookies are blocked. */
export type OpenChannel<T> = (name: string, receive: (message: T) => void) => BrowserChannel<T> | null;

/** Another release whose tabs say other things takes another number here. */
const FORMAT = "django-chat-sessions 1";

/** Null where the browser has no BroadcastChannel. */
export function browserChannel<T>(): OpenChannel<T> | null {
  if (typeof BroadcastChannel === "undefined") return null;
  return (name, receive) => {
    try {
      const channel = new BroadcastChannel(`${FORMAT} ${name}`);
      channel.onmessage = (event: MessageEvent<T>) => receive(event.data);
      return { post: (message) => channel.postMessage(message), close: () => channel.close() };
    } catch {
      return null;
    }
  };
}
