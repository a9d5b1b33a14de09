import type { Elsewhere } from "./chatState.js";
import type { Session } from "./wire.js";

/** Only an answer that was being written before our eyes counts as one that has arrived. */
export function heardElsewhere(before: Elsewhere, sessions: readonly Session[], shown: string | undefined): Elsewhere {
  const { running, answered } = sessions.reduce((known, session) => withRow(known, session), before);
  const told = answered?.id === shown ? null : answered;
  const isSame = told === before.answered && running.join() === before.running.join();
  return isSame ? before : { running, answered: told };
}

/** Of what is gone, or was over before we asked, no row comes. */
export function stillRunning(before: Elsewhere, isRunning: (id: string) => boolean): Elsewhere {
  return before.running.every(isRunning) ? before : { ...before, running: before.running.filter(isRunning) };
}

function withRow({ running, answered }: Elsewhere, session: Session): Elsewhere {
  const { id, unread } = session;
  const isRunning = running.includes(id);
  if (session.running) return { running: isRunning ? running : [...running, id], answered };
  const isRead = !unread && answered?.id === id;
  const others = isRunning ? running.filter((other) => other !== id) : running;
  return { running: others, answered: unread && isRunning ? session : isRead ? null : answered };
}
