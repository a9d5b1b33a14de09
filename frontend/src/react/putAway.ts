import type { ChatStore } from "../core/index.js";

interface Left {
  wasActive: boolean;
  /** What is on screen since. */
  next: string | undefined;
}

/** What is put away is not left on screen, and what is taken back is there again. */
export function putAway(store: ChatStore) {
  const shown = () => store.getSnapshot().session;
  const left = new Map<string, Promise<Left>>();
  /** What is on its way to the screen. */
  let coming: string | null = null;
  return {
    async open(sessionId: string): Promise<void> {
      coming = sessionId;
      await store.open(sessionId);
      if (coming === sessionId) coming = null;
    },
    async leave(sessionId: string, away: Promise<boolean>): Promise<boolean> {
      const before = shown();
      const gone = away.then(async (isAway) => {
        const isNext = (coming ?? shown()?.id) === sessionId;
        if (isAway && isNext) await store.openCurrent();
        return { wasActive: before?.state === "active", next: shown()?.id };
      });
      if (before?.id === sessionId) left.set(sessionId, gone);
      await gone;
      return away;
    },
    async comeBack(sessionId: string, back: Promise<boolean>): Promise<boolean> {
      const gone = left.get(sessionId);
      if (!(await back) || gone === undefined) return back;
      left.delete(sessionId);
      const { wasActive, next } = await gone;
      // Unless the reader has gone on from there.
      if (shown()?.id === next) await (wasActive ? store.reopen(sessionId) : store.open(sessionId));
      return true;
    },
  };
}
