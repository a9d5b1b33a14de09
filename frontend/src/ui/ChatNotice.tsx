import { useChatSelector, useChatStore, useSessionStatus } from "../react/index.js";
import { useWords } from "./words.js";

/** After the last message: what the next one will do, and the way to go on instead. */
export function ChatNotice() {
  const words = useWords();
  const store = useChatStore();
  const { status, session, previous, readOnly } = useSessionStatus();
  // Then the message itself asks where it should go.
  const isAsked = useChatSelector((chat) => chat.pending.some(({ conflict }) => conflict?.code === "session_ended"));
  const isOver = status === "expired" || status === "ended";
  const target = isOver ? (session ?? previous) : status === "new" ? previous : null;
  if (readOnly || isAsked || !target) return null;
  return (
    <div className="dcs-notice">
      {isOver && <p>{words.nextStartsNew}</p>}
      <button type="button" className="dcs-button" onClick={() => void store.reopen(target.id)}>
        {!session || status === "new" ? words.continuePrevious : words.continueChat}
      </button>
    </div>
  );
}
