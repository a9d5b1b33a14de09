import { memo, useState } from "react";
import { isUnfinished, type Message } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { CopyButton } from "./CopyButton.js";
import { LinkButton } from "./LinkButton.js";
import { SourceList } from "./SourceList.js";
import { useSlot } from "./slots.js";
import { problemText } from "./statusText.js";
import { useToday } from "./useToday.js";
import { momentText, useWords } from "./words.js";

export interface MessageRowProps {
  message: Message;
  /** The latest of all: if it is a reply that failed, it can be asked for again. */
  isLast: boolean;
}

export interface ContentProps {
  text: string;
  author: Message["role"];
  /** More text is coming. */
  isWriting: boolean;
}

/** One stored message. Memoised: while an answer is written, only its own row renders. */
export const MessageRow = memo(function MessageRow({ message, isLast }: MessageRowProps) {
  const words = useWords();
  const Content = useSlot("Content", Paragraphs);
  const { role, state, content } = message;
  const isOwn = role === "user";
  const isWriting = isUnfinished(message);
  return (
    <article className="dcs-message" data-role={role} data-state={state || undefined}>
      <h3 className={isOwn ? "dcs-hidden" : "dcs-author"}>{isOwn ? words.you : words.assistant}</h3>
      <div className="dcs-message-body">
        <Content text={content} author={role} isWriting={isWriting} />
        {isWriting && <Writing hasText={content !== ""} />}
      </div>
      <SourceList metadata={message.metadata} />
      <ReplyProblem message={message} isLast={isLast} />
      {!isWriting && (
        <div className="dcs-message-foot">
          {!isOwn && <CopyButton text={content} />}
          <Moment time={message.created_at} />
        </div>
      )}
    </article>
  );
});

/** By itself, for at midnight it changes alone. */
function Moment({ time }: { time: string }) {
  const today = useToday();
  return <time dateTime={time}>{momentText(time, useWords().locale, today)}</time>;
}

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

function Writing({ hasText }: { hasText: boolean }) {
  const words = useWords();
  const isLost = useChatSelector((chat) => chat.running === "reconnecting");
  const text = isLost ? words.reconnecting : hasText ? words.writing : words.thinking;
  return (
    <p className="dcs-writing" data-cut-off={isLost || undefined}>
      <span className="dcs-dots" aria-hidden="true">
        <span />
        <span />
        <span />
      </span>
      <span className={hasText && !isLost ? "dcs-hidden" : undefined}>{text}</span>
    </p>
  );
}

function ReplyProblem({ message, isLast }: MessageRowProps) {
  const text = problemText(message, useWords());
  if (!text) return null;
  return (
    <p className="dcs-problem" data-kind={message.state}>
      <span dir="auto">{text}</span>
      {isLast && <AskAgain />}
    </p>
  );
}

function AskAgain() {
  const words = useWords();
  const store = useChatStore();
  const [isAsking, setAsking] = useState(false);
  const ask = () => {
    if (isAsking) return;
    setAsking(true);
    void store.retryReply().finally(() => setAsking(false));
  };
  return (
    <LinkButton aria-disabled={isAsking} onClick={ask}>
      {` ${words.askAgain}`}
    </LinkButton>
  );
}
