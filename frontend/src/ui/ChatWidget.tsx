import { type KeyboardEvent, memo, useId, useRef } from "react";
import type { ChatProblem } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { Announcer } from "./Announcer.js";
import { ChatNotice } from "./ChatNotice.js";
import { Composer } from "./Composer.js";
import type { FloatingChatProps } from "./FloatingChat.js";
import { Header } from "./Header.js";
import { NamedIcon } from "./icons.js";
import { LazyHistory } from "./LazyHistory.js";
import { LinkButton } from "./LinkButton.js";
import { MessageList } from "./MessageList.js";
import { type ChatSlots, SlotsContext, useSlot } from "./slots.js";
import { useBeforePaint } from "./useBeforePaint.js";
import { useKeptFocus } from "./useKeptFocus.js";
import { useLoaded } from "./useLoaded.js";
import { useWords, type Words, WordsContext } from "./words.js";

export interface ChatWidgetProps {
  title?: string | undefined;
  placeholder?: string | undefined;
  greeting?: string | undefined;
  /** `panel` (a card) when absent; `full` fills its container, `floating` opens from a button in the corner. */
  layout?: "panel" | "full" | "floating" | undefined;
  /** `none` when absent. */
  history?: "sidebar" | "dropdown" | "none" | undefined;
  /** The scope of the history: the chat's own when absent, all scopes when null. */
  historyScope?: string | null | undefined;
  /** The reader's preference when absent. */
  theme?: "light" | "dark" | undefined;
  autoFocus?: boolean | undefined;
  /** Keep them outside of your component: what is new each time renders everything again. */
  words?: Partial<Words> | undefined;
  slots?: Partial<ChatSlots> | undefined;
  className?: string | undefined;
}

/** A whole chat: header, status, transcript, composer and, if wanted, the history. Memoised, as its parts are. */
export const ChatWidget = memo(function ChatWidget({ slots, words: own, ...props }: ChatWidgetProps) {
  const words = useWords(own);
  return (
    <WordsContext.Provider value={words}>
      <SlotsContext.Provider value={slots}>
        <Frame {...props} />
      </SlotsContext.Provider>
    </WordsContext.Provider>
  );
});

type FrameProps = Omit<ChatWidgetProps, "slots" | "words">;

function Frame(props: FrameProps) {
  const { layout = "panel", theme, className = "" } = props;
  const store = useChatStore();
  const { locale } = useWords();
  const titleId = useId();
  const isFloating = layout === "floating";
  // A floating one is closed at first, also before its code is there.
  useBeforePaint(() => {
    store.hide(isFloating);
    return () => store.hide(true);
  }, [store, isFloating]);
  const on = {
    onPointerDown: store.touch,
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
      store.touch();
      if (isFieldKey(event)) goToField(event);
    },
  };
  if (isFloating) {
    return (
      <Floating titleId={titleId} theme={theme} className={className} {...on}>
        {(close) => <Inside {...props} titleId={titleId} onClose={close} />}
      </Floating>
    );
  }
  return (
    <section
      className={`dcs dcs-widget ${className}`}
      data-layout={layout}
      data-theme={theme}
      lang={locale}
      aria-labelledby={titleId}
      {...on}
    >
      <Inside {...props} titleId={titleId} onClose={undefined} />
    </section>
  );
}

const loadFloating = () => import("./FloatingChat.js").then(({ FloatingChat }) => FloatingChat);

/** Only who has a floating chat loads what makes it float. */
function Floating(props: FloatingChatProps) {
  const { value: FloatingChat } = useLoaded(loadFloating);
  return FloatingChat && <FloatingChat {...props} />;
}

type InsideProps = FrameProps & { titleId: string; onClose: (() => void) | undefined };

function Inside({ title, titleId, history, historyScope: scope, onClose, ...props }: InsideProps) {
  const words = useWords();
  const History = useSlot("History", LazyHistory);
  const Top = useSlot("Header", Header);
  const Notice = useSlot("Notice", ChatNotice);
  const main = useRef<HTMLDivElement | null>(null);
  useKeptFocus(main);
  const dropdown = history && history !== "none" && <History variant="dropdown" className="dcs-narrow" scope={scope} />;
  return (
    <Announcer>
      {history === "sidebar" && <History variant="sidebar" className="dcs-side" scope={scope} />}
      <div ref={main} className="dcs-main">
        <Top title={title ?? words.title} titleId={titleId} history={dropdown} onClose={onClose} />
        <ErrorBanner />
        <MessageList greeting={props.greeting}>
          <Notice />
        </MessageList>
        <footer className="dcs-footer">
          <Footer placeholder={props.placeholder} autoFocus={props.autoFocus} />
        </footer>
      </div>
    </Announcer>
  );
}

/** Where there is nothing to try again: the button that was pressed is still there, and what is gone does not come back. */
const FINAL: { [code in ChatProblem["code"]]?: "notDone" | "gone" } = {
  network: "notDone",
  gone: "gone",
  not_found: "gone",
};

function ErrorBanner() {
  const words = useWords();
  const store = useChatStore();
  const error = useChatSelector((chat) => chat.error);
  if (!error) return null;
  const final = FINAL[error.code];
  const text = error.code === "unexpected" ? words.unexpected : error.message;
  return (
    <div className="dcs-banner" role="alert">
      <NamedIcon name="warning" />
      <span dir="auto">
        <span>{final ? words[final] : text}</span>{" "}
        {!final && <LinkButton onClick={() => void store.load()}>{words.tryAgain}</LinkButton>}
      </span>
      <button type="button" className="dcs-tool" aria-label={words.dismiss} onClick={store.dismissError}>
        <NamedIcon name="close" />
      </button>
    </div>
  );
}

function Footer(props: Pick<ChatWidgetProps, "placeholder" | "autoFocus">) {
  const words = useWords();
  const store = useChatStore();
  const Field = useSlot("Composer", Composer);
  const isReadOnly = useChatSelector((chat) => chat.readOnly);
  const session = useChatSelector((chat) => chat.session?.id ?? null);
  if (!isReadOnly || !session) return <Field {...props} />;
  return (
    <div className="dcs-reading">
      <p>{words.readingOlder}</p>
      <button type="button" className="dcs-button" data-kind="primary" onClick={() => void store.reopen(session)}>
        {words.continueChat}
      </button>
      <button type="button" className="dcs-button" onClick={() => void store.openCurrent()}>
        {words.backToCurrent}
      </button>
    </div>
  );
}

/** A slash, where it is not being typed: only in the chat, so it takes no key from the page. */
function isFieldKey({ key, target, ctrlKey, altKey, metaKey }: KeyboardEvent): boolean {
  return (
    key === "/" && !ctrlKey && !altKey && !metaKey && !(target as Element).matches("input, textarea, [contenteditable]")
  );
}

function goToField(event: KeyboardEvent<HTMLElement>) {
  const field = event.currentTarget.querySelector("textarea");
  if (field) event.preventDefault();
  field?.focus();
}
