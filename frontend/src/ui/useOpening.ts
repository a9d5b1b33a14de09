import { useCallback, useEffect, useRef, useState } from "react";
import type { Session } from "../core/index.js";

/** The chat that was chosen last, and whether it is still on its way: over a slow connection that takes a while. */
export interface Chosen {
  session: Session;
  isOpening: boolean;
}

/** `onOpened` is called when what was chosen last is on screen, or could not be had. */
export function useOpening(open: (sessionId: string) => Promise<void>, onOpened: (() => void) | undefined) {
  const [chosen, setChosen] = useState<Chosen | null>(null);
  const opening = useRef<string | null>(null);
  const latest = useRef(onOpened);
  useEffect(() => {
    latest.current = onOpened;
  });
  useEffect(
    () => () => {
      opening.current = null;
    },
    [],
  );
  const choose = useCallback(
    async (session: Session) => {
      // Who clicks again has seen nothing happen.
      if (opening.current === session.id) return;
      opening.current = session.id;
      setChosen({ session, isOpening: true });
      await open(session.id);
      if (opening.current !== session.id) return;
      opening.current = null;
      setChosen({ session, isOpening: false });
      latest.current?.();
    },
    [open],
  );
  return { chosen, choose };
}
