import { memo, useState } from "react";
import { isUnfinished, type Message } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { sourcesIn } from "./sources.js";
import { useWords, type Words } from "./words.js";

export interface MessageRowProps {
  message: Message;
  /** The latest of all: if it is a reply that failed, it can be asked for again. */
  isLast: boolean;
}

/** One stored message. Memoised: while an answer is written, only its own row renders. */
export const MessageRow = memo(function MessageRow({ message, isLast }: MessageRowProps) {
  const words = useWords();
  const isOwn = message.role === "user";
  return (
    <article className="dcs-message" data-role={message.role} data-state={message.state || undefined}>
      <h3 className={isOwn ? "dcs-hidden" : "dcs-author"}>{isOwn ? words.you : words.assistant}</h3>
      <div className="dcs-message-body">
        <Paragraphs text={message.content} />
        {isUnfinished(message) && <Writing words={words} hasText={message.content !== ""} />}
      </div>
      <Sources metadata={message.metadata} words={words} />
      <ReplyProblem message={message} isLast={isLast} words={words} />
    </article>
  );
});

/** Plain text: blank lines part paragraphs, single line breaks are kept by the stylesheet. */
export function Paragraphs({ text }: { text: string }) {
  const paragraphs = text.split(/\n[^\S\n]*\n\s*/).filter((paragraph) => paragraph.trim() !== "");
  return paragraphs.map((paragraph, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: paragraphs only ever grow at the end
    <p key={index} dir="auto">
      {paragraph}
    </p>
  ));
}

function Writing({ words, hasText }: { words: Words; hasText: boolean }) {
  const isCutOff = useChatSelector((chat) => chat.running === "reconnecting");
  const text = isCutOff ? words.reconnecting : hasText ? words.writing : words.thinking;
  return (
    <p className="dcs-writing" data-cut-off={isCutOff || undefined}>
      <span className="dcs-dots" aria-hidden="true">
        <span />
        <span />
        <span />
      </span>
      <span className={hasText && !isCutOff ? "dcs-hidden" : "dcs-writing-text"}>{text}</span>
    </p>
  );
}

function Sources({ metadata, words }: { metadata: Record<string, unknown>; words: Words }) {
  const sources = sourcesIn(metadata);
  if (sources.length === 0) return null;
  return (
    <section className="dcs-sources" aria-label={words.sources}>
      <h4 className="dcs-sources-title">{words.sources}</h4>
      <ol>
        {sources.map(({ title, url, quote }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the number is what a citation refers to
          <li key={index}>
            <span className="dcs-source-number">{index + 1}</span>
            <div>
              {url === null ? <span className="dcs-source-name">{title}</span> : <SourceLink title={title} url={url} />}
              {quote !== "" && <p className="dcs-quote">{quote}</p>}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}

function SourceLink({ title, url }: { title: string; url: string }) {
  const isElsewhere = /^https?:/i.test(url);
  return (
    <a
      className="dcs-source-name"
      href={url}
      {...(isElsewhere ? { target: "_blank", rel: "noopener noreferrer" } : {})}
    >
      {title}
    </a>
  );
}

function ReplyProblem({ message, isLast, words }: MessageRowProps & { words: Words }) {
  const text = problemText(message, words);
  if (text === null) return null;
  return (
    <p className="dcs-problem" data-kind={message.state}>
      <span>{text}</span>
      {isLast && <AskAgain words={words} />}
    </p>
  );
}

function AskAgain({ words }: { words: Words }) {
  const store = useChatStore();
  const [isAsking, setAsking] = useState(false);
  const ask = () => {
    if (isAsking) return;
    setAsking(true);
    void store.retryReply().finally(() => setAsking(false));
  };
  return (
    <button type="button" className="dcs-link" aria-disabled={isAsking} onClick={ask}>
      {words.askAgain}
    </button>
  );
}

function problemText({ state, error }: Message, words: Words): string | null {
  if (state === "failed") return error || words.answerFailed;
  if (state === "interrupted") return error || words.interrupted;
  return state === "stopped" ? words.stopped : null;
}
