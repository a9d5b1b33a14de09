import { type ArrivalLink, useArrivalLink } from "../hooks/useArrivalLink";
import { useChat } from "../hooks/useChat";
import { useWideScreen } from "../hooks/useWideScreen";
import { ChatHistory } from "./ChatHistory";
import { ChatWidget } from "./ChatWidget";
import { QuestionsContext } from "./QuestionsToTry";

export interface SubjectChatProps {
  subject: string;
  questions: readonly string[];
  link: ArrivalLink;
}

/** Everything in the chat's place on a subject page. */
export function SubjectChat({ subject, questions, link }: SubjectChatProps) {
  const chat = useChat();
  const isWide = useWideScreen();
  useArrivalLink(link, chat);
  return (
    <>
      {isWide && <ChatHistory />}
      <div className="xp-conversation">
        <QuestionsContext value={questions}>
          <ChatWidget subject={subject} withHistory={!isWide} />
        </QuestionsContext>
      </div>
    </>
  );
}
