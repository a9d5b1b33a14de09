import { ChatProvider } from "django-chat-sessions/react";
import type { Words } from "django-chat-sessions/ui";
import { germanWords } from "django-chat-sessions/words/de";
import { spanishWords } from "django-chat-sessions/words/es";
import { frenchWords } from "django-chat-sessions/words/fr";
import { useEffect, useRef, useState } from "react";
import type { GalleryState } from "./states";
import { takeSteps } from "./steps";
import { createStillChat } from "./stillChat";
import { createStillApi } from "./stillHistory";

export interface StageProps {
  state: GalleryState;
  dir: string | null;
  lang: string | null;
}

const WORDS: { [lang: string]: Partial<Words> | undefined } = { de: germanWords, fr: frenchWords, es: spanishWords };

/** One state, in the room that a host would give it. */
export function Stage({ state, dir, lang }: StageProps) {
  const root = useRef<HTMLDivElement | null>(null);
  const [parts] = useState(() => ({ store: createStillChat(state.chat), api: createStillApi(state.history) }));
  const [isReady, setReady] = useState(false);
  const words = WORDS[lang ?? ""];
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
      lang={words?.locale}
    >
      <ChatProvider {...parts} scope="gallery">
        {state.show(words ?? {})}
      </ChatProvider>
    </div>
  );
}
