import { ChatHistory as PackageHistory } from "django-chat-sessions/ui";
import { xpWords } from "../words";

/** The chats about this subject, beside the conversation; on phones the widget's header has them. */
export function ChatHistory() {
  return <PackageHistory variant="sidebar" limit={30} words={xpWords} className="xp-history" />;
}
