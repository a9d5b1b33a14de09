/** Something that several parts of a page watch, and that works while one of them at least is connected. */
export interface Source {
  subscribe(listener: () => void): () => void;
  connect(): () => void;
  tell(): void;
}

/** `listen` starts the work and returns what ends it. */
export function createSource(listen: () => () => void): Source {
  const listeners = new Set<() => void>();
  let connections = 0;
  let disconnect = () => {};
  return {
    tell() {
      for (const listener of [...listeners]) {
        try {
          listener();
        } catch (error) {
          // Whatever a page's own listener does, the messages go on.
          globalThis.reportError?.(error);
        }
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    connect() {
      connections += 1;
      if (connections === 1) disconnect = listen();
      let hasLeft = false;
      return () => {
        if (hasLeft) return;
        hasLeft = true;
        connections -= 1;
        if (connections === 0) disconnect();
      };
    },
  };
}
