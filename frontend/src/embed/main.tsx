import { StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { ChatProvider } from "../react/index.js";
import { ChatWidget, type Words } from "../ui/index.js";
import { germanWords } from "../words/de.js";
import { spanishWords } from "../words/es.js";
import { frenchWords } from "../words/fr.js";
import "../ui/ui.css";
import "./embed.css";

/** An element's chat. Not an attribute, which a copy of the element would have, too, as in Turbo's cache of pages. */
const MOUNTED = Symbol.for("django-chat-sessions");

interface Place extends HTMLElement {
  [MOUNTED]?: boolean;
}

const roots = new Map<Place, Root>();

/** A chat on every `[data-chat-sessions]` element of the page, and on none that has left it. */
function mountAll(): void {
  for (const [element, root] of roots) {
    if (element.isConnected) continue;
    root.unmount();
    roots.delete(element);
    element[MOUNTED] = false;
  }
  for (const element of document.querySelectorAll<Place>("[data-chat-sessions]")) mount(element);
}

function mount(element: Place): void {
  const { baseUrl, scope, owner, csrfToken, title, placeholder, greeting } = element.dataset;
  if (baseUrl === undefined || element[MOUNTED]) return;
  element[MOUNTED] = true;
  // A page with a React of its own has ids of its own, which would else be the same.
  const root = createRoot(element, { identifierPrefix: "dcs" });
  roots.set(element, root);
  root.render(
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

/** htmx, Turbo and their like put parts into the page, and take them out. */
function begin(): void {
  mountAll();
  new MutationObserver(mountAll).observe(document, { childList: true, subtree: true });
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
