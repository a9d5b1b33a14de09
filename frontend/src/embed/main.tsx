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

interface Chat {
  root: Root;
  about: string;
  /** What the place said when it was mounted. */
  facts: string;
  /** What was in it then: what a page shows until the chat comes, or a copy of one. */
  before: Element | null;
  /** What React has put there since. */
  content?: Element | null;
}

const chats = new Map<Place, Chat>();

/** A chat on every `[data-chat-sessions]` element of the page, and on none that has left it. */
function mountAll(): void {
  for (const [element, chat] of chats) {
    const isOverwritten = putBack(element, chat);
    const isOther = aboutOf(element) !== chat.about || (isOverwritten && factsOf(element) !== chat.facts);
    if (element.isConnected && !isOther) continue;
    chat.root.unmount();
    chats.delete(element);
    element[MOUNTED] = false;
  }
  for (const element of document.querySelectorAll<Place>("[data-chat-sessions]")) mount(element);
}

/** What morphs a page makes its places what the server sent, an empty card: the chat is put there again as it was. */
function putBack(element: Place, chat: Chat): boolean {
  if (element.firstElementChild !== chat.before) chat.content ??= element.firstElementChild;
  // One that is empty has lost its chat to an error, which it would meet again.
  if (!chat.content || chat.content.parentNode === element || !element.firstChild) return false;
  element.replaceChildren(chat.content);
  return true;
}

/** Turbo asks first: so its reader stays in the midst of what is read or written. */
function keep(event: Event): void {
  const { currentElement, newElement } = (event as CustomEvent<Record<"currentElement" | "newElement", Place>>).detail;
  if (currentElement[MOUNTED] && factsOf(currentElement) === factsOf(newElement)) event.preventDefault();
}

function factsOf({ dataset }: Place): string {
  return JSON.stringify(dataset);
}

/** Whose chat it is, and about what: a script may change that alone. */
const ABOUT = ["data-base-url", "data-scope", "data-owner"];

function aboutOf(element: Place): string {
  return JSON.stringify(ABOUT.map((name) => element.getAttribute(name)));
}

function mount(element: Place): void {
  const { baseUrl, scope, owner, csrfToken, title, placeholder, greeting } = element.dataset;
  if (baseUrl === undefined || element[MOUNTED]) return;
  element[MOUNTED] = true;
  // A page with a React of its own has ids of its own, which would else be the same.
  const root = createRoot(element, { identifierPrefix: "dcs" });
  chats.set(element, { root, about: aboutOf(element), facts: factsOf(element), before: element.firstElementChild });
  element.addEventListener("turbo:before-morph-element", keep);
  root.render(
    <StrictMode>
      <ChatProvider baseUrl={baseUrl} scope={scope} owner={owner} csrfToken={csrfToken || undefined}>
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

/** htmx, Turbo and their like put parts into the page, and take them out; with each they may run this script again. */
function begin(): void {
  const page: Document & { [MOUNTED]?: boolean } = document;
  if (page[MOUNTED]) return;
  page[MOUNTED] = true;
  mountAll();
  new MutationObserver(mountAll).observe(document, { childList: true, subtree: true, attributeFilter: ABOUT });
}

if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", begin);
else begin();
