import type { XpChat } from "../hooks/useChat";

export interface QuestionsToTryProps {
  chat: XpChat;
  questions: readonly string[];
}

/** A first step for people who do not know yet what to ask. */
export function QuestionsToTry({ chat, questions }: QuestionsToTryProps) {
  if (!chat.isBlank || questions.length === 0) return null;
  return (
    <section className="xp-questions" aria-label="Questions to try">
      {questions.map((question) => (
        <button key={question} type="button" onClick={() => chat.send(question)}>
          {question}
        </button>
      ))}
    </section>
  );
}
