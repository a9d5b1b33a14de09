import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ChatProvider } from "../react/index.js";
import { ChatWidget, type Words } from "../ui/index.js";
import { germanWords } from "../words/de.js";
import { spanishWords } from "../words/es.js";
import { frenchWords } from "../words/fr.js";
import "../ui/ui.css";

/** Mounts a chat on every `[data-chat-sessions]` element of the page. */
function mountAll(): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-chat-sessions]")) mount(element);
}

function mount(element: HTMLElement): void {
  const { baseUrl, scope, owner, csrfToken, title, placeholder, greeting } = element.dataset;
  if (baseUrl === undefined || element.dataset.mounted !== undefined) return;
  element.dataset.mounted = "";
  // A page with a React of its own has ids of its own, which would else be the same.
  createRoot(element, { identifierPrefix: "dcs" }).render(
    <StrictMode>
      <ChatProvider
        baseUrl={baseUrl}
        scope={scope ?? ""}
        {...(owner ? { owner } : {})}
        {...(csrfToken ? { csrfToken } : {})}
      >
        <ChatWidget
          title={title || undefined}
          placeholder={placeholder || undefined}
          greeting={greeting || undefined}
          history={oneOf(["sidebar", "dropdown", "none"], element.dataset.history)}
          layout={oneOf(["panel", "full", "floating"], element.dataset.layout)}
          words={wordsIn(element.dataset.lang || document.documentElement.lang)}
          theme={oneOf(["light", "dark"], element.dataset.theme)}
        />
      </ChatProvider>
    </StrictMode>,
  );
}

const WORDS: Record<string, Words> = { de: germanWords, es: spanishWords, fr: frenchWords };

/** In the language of the place, "de-AT" for example; English, and said to be that, where there is no translation. */
function wordsIn(language: string): Partial<Words> | undefined {
  const isEnglishPage = /^(en|$)/i.test(document.documentElement.lang || language);
  return WORDS[language.toLowerCase().split(/[-_]/)[0] ?? ""] ?? (isEnglishPage ? undefined : { locale: "en" });
}

function oneOf<const T extends string>(allowed: readonly T[], value: string | undefined): T | undefined {
  return allowed.find((name) => name === value);
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mountAll);
else mountAll();
