import type { GreetingProps } from "django-chat-sessions/ui";
import { createContext, useContext } from "react";
import { useChat } from "../hooks/useChat";

/** What the page offers to ask, for the greeting inside the widget. */
export const QuestionsContext = createContext<readonly string[]>([]);

/**
 * The greeting, and a first step for people who do not know yet what to ask. In the transcript, so that the
 * questions scroll where there is little room, and the composer stays where it is when they go.
 */
export function GreetingWithQuestions({ text }: GreetingProps) {
  const questions = useContext(QuestionsContext);
  const chat = useChat();
  return (
    <>
      <div className="dcs-greeting">
        <p>{text}</p>
      </div>
      {chat.isBlank && questions.length > 0 && (
        <section className="xp-questions" aria-label="Questions to try">
          {questions.map((question) => (
            <button key={question} type="button" onClick={() => chat.send(question)}>
              {question}
            </button>
          ))}
        </section>
      )}
    </>
  );
}
