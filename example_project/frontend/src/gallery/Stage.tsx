import { ChatProvider } from "django-chat-sessions/react";
import { useEffect, useRef, useState } from "react";
import { germanWords } from "django-chat-sessions/words/de";
import type { GalleryState } from "./states";
import { takeSteps } from "./steps";
import { createStillChat } from "./stillChat";
import { createStillApi } from "./stillHistory";

export interface StageProps {
  state: GalleryState;
  dir: string | null;
  lang: string | null;
}

/** One state, in the room that a host would give it. */
export function Stage({ state, dir, lang }: StageProps) {
  const root = useRef<HTMLDivElement | null>(null);
  const [parts] = useState(() => ({ store: createStillChat(state.chat), api: createStillApi(state.history) }));
  const [isReady, setReady] = useState(false);
  useEffect(() => {
    const stop = new AbortController();
    if (root.current !== null) {
      void takeSteps(root.current, state.steps, stop.signal).then(() => setReady(!stop.signal.aborted));
    }
    return () => stop.abort();
  }, [state]);
  return (
    <div
      ref={root}
      className="gallery-stage"
      data-state={state.name}
      data-room={state.room}
      data-ready={isReady || undefined}
      dir={dir === "rtl" ? "rtl" : undefined}
      lang={lang === "de" ? "de" : undefined}
    >
      <ChatProvider {...parts} scope="gallery">
        {state.show(lang === "de" ? germanWords : {})}
      </ChatProvider>
    </div>
  );
}
