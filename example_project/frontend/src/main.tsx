import "django-chat-sessions/ui.css";
import "./chat.css";
import { ChatProvider } from "django-chat-sessions/react";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { SubjectChat } from "./components/SubjectChat";
import { takeArrivalLink } from "./hooks/useArrivalLink";
import { createChatApi } from "./services/chatApi";

const place = document.querySelector<HTMLElement>("[data-xp-chat]");
if (place !== null) mount(place);

/** Put the chat where the page says, with what the page knows. */
function mount(element: HTMLElement): void {
  const { baseUrl = "/chat", scope = "", subject = "", owner = "", questions = "[]" } = element.dataset;
  createRoot(element).render(
    <StrictMode>
      <ChatProvider api={createChatApi(baseUrl)} scope={scope} {...(owner === "" ? {} : { owner })}>
        <SubjectChat subject={subject} questions={JSON.parse(questions) as string[]} link={takeArrivalLink()} />
      </ChatProvider>
    </StrictMode>,
  );
}
