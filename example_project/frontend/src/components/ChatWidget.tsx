import { ChatWidget as PackageWidget } from "django-chat-sessions/ui";
import { xpWords } from "../words";
import { GreetingWithQuestions } from "./QuestionsToTry";

const slots = { Greeting: GreetingWithQuestions };

export interface ChatWidgetProps {
  subject: string;
  /** Where there is no room for a sidebar, the history opens from the header. */
  withHistory: boolean;
}

/** The package's chat in XP's words, filling the place that the page gives it. */
export function ChatWidget({ subject, withHistory }: ChatWidgetProps) {
  return (
    <PackageWidget
      title={subject}
      greeting={`What would you like to know about ${subject.toLowerCase()}?`}
      layout="full"
      history={withHistory ? "dropdown" : "none"}
      words={xpWords}
      slots={slots}
    />
  );
}
