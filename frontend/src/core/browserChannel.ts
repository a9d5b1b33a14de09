/** Messages among the tabs of one browser; the sender does not hear its own. */
export interface BrowserChannel<T> {
  post(message: T): void;
  close(): void;
}

/** Null where there is none, as where cookies are blocked. */
export type OpenChannel<T> = (name: string, receive: (message: T) => void) => BrowserChannel<T> | null;

/** Another release whose tabs say other things takes another number here. */
const FORMAT = "django-chat-sessions 1";

/** By BroadcastChannel. */
export function browserChannel<T>(name: string, receive: (message: T) => void): BrowserChannel<T> | null {
  try {
    const channel = new BroadcastChannel(`${FORMAT} ${name}`);
    channel.onmessage = (event: MessageEvent<T>) => receive(event.data);
    return { post: (message) => channel.postMessage(message), close: () => channel.close() };
  } catch {
    return null;
  }
}
