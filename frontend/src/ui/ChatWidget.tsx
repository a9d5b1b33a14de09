import { memo, useId } from "react";
import { useChatSelector, useChatStore } from "../react/index.js";
import { Announcer } from "./Announcer.js";
import { ChatHistory } from "./ChatHistory.js";
import { ChatNotice } from "./ChatNotice.js";
import { Composer } from "./Composer.js";
import { NamedIcon } from "./icons.js";
import { MessageList } from "./MessageList.js";
import { SessionStatus } from "./SessionStatus.js";
import { useWords, type Words, WordsContext } from "./words.js";

export interface ChatWidgetProps {
  title?: string | undefined;
  placeholder?: string | undefined;
  greeting?: string | undefined;
  /** `panel` (a card) when absent; `full` fills its container. */
  layout?: "panel" | "full" | undefined;
  /** `none` when absent. */
  history?: "sidebar" | "dropdown" | "none" | undefined;
  /** The scope of the history: the chat's own when absent, all scopes when null. */
  historyScope?: string | null | undefined;
  /** The reader's preference when absent. */
  theme?: "light" | "dark" | undefined;
  autoFocus?: boolean | undefined;
  words?: Partial<Words> | undefined;
  className?: string | undefined;
}

/** A whole chat: header, status, transcript, composer and, if wanted, the history. Memoised, as its parts are. */
export const ChatWidget = memo(function ChatWidget(props: ChatWidgetProps) {
  const { layout = "panel", history = "none", historyScope, className = "" } = props;
  const words = useWords(props.words);
  const store = useChatStore();
  const titleId = useId();
  return (
    <WordsContext.Provider value={words}>
      <section
        className={`dcs dcs-widget ${className}`}
        data-layout={layout}
        data-history={history}
        data-theme={props.theme}
        aria-labelledby={titleId}
        onPointerDown={store.touch}
        onKeyDown={store.touch}
      >
        {history === "sidebar" && <ChatHistory className="dcs-side" scope={historyScope} />}
        <div className="dcs-main">
          <Header titleId={titleId} {...props} />
          <ErrorBanner />
          <MessageList greeting={props.greeting}>
            <ChatNotice />
          </MessageList>
          <footer className="dcs-footer">
            <Footer placeholder={props.placeholder} autoFocus={props.autoFocus} />
          </footer>
        </div>
        <Announcer />
      </section>
    </WordsContext.Provider>
  );
});

function Header({ titleId, title, history = "none", historyScope }: ChatWidgetProps & { titleId: string }) {
  const words = useWords();
  return (
    <header className="dcs-header">
      <div className="dcs-heading">
        <h2 id={titleId}>{title ?? words.title}</h2>
        <SessionStatus />
      </div>
      {history !== "none" && <ChatHistory variant="dropdown" className="dcs-narrow" scope={historyScope} />}
      <NewChatButton />
    </header>
  );
}

function NewChatButton() {
  const words = useWords();
  const store = useChatStore();
  return (
    <button
      type="button"
      className="dcs-icon-button"
      aria-label={words.newChat}
      title={words.newChat}
      onClick={() => void store.startNew()}
    >
      <NamedIcon name="plus" />
    </button>
  );
}

function ErrorBanner() {
  const words = useWords();
  const store = useChatStore();
  const error = useChatSelector((chat) => chat.error);
  if (error === null) return null;
  return (
    <div className="dcs-banner" role="alert">
      <NamedIcon name="warning" />
      <span>{error.code === "unexpected" ? words.loadFailed : error.message}</span>
      <button type="button" className="dcs-link" onClick={() => void store.load()}>
        {words.tryAgain}
      </button>
      <button type="button" className="dcs-tool" aria-label={words.dismiss} onClick={store.dismissError}>
        <NamedIcon name="close" />
      </button>
    </div>
  );
}

function Footer({ placeholder, autoFocus }: Pick<ChatWidgetProps, "placeholder" | "autoFocus">) {
  const words = useWords();
  const store = useChatStore();
  const isReadOnly = useChatSelector((chat) => chat.readOnly);
  const session = useChatSelector((chat) => chat.session?.id ?? null);
  if (!isReadOnly || session === null) return <Composer placeholder={placeholder} autoFocus={autoFocus} />;
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
