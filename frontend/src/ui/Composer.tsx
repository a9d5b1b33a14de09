import {
  type ChangeEvent,
  type KeyboardEvent,
  type RefObject,
  type SyntheticEvent,
  useEffect,
  useId,
  useRef,
} from "react";
import type { ChatSnapshot } from "../core/index.js";
import { useChatSelector, useChatStore } from "../react/index.js";
import { NamedIcon } from "./icons.js";
import { useWords } from "./words.js";

export interface ComposerProps {
  placeholder?: string | undefined;
  autoFocus?: boolean | undefined;
}

export function Composer({ placeholder, autoFocus = false }: ComposerProps) {
  const words = useWords();
  const draft = useChatSelector((chat) => chat.draft);
  const isBusy = useChatSelector(isSomethingUnderWay);
  const field = useRef<HTMLTextAreaElement | null>(null);
  const id = useId();
  const send = useSend(field, isBusy);
  useAutoGrow(field, draft);
  useEffect(() => {
    if (autoFocus) field.current?.focus();
  }, [autoFocus]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    send();
  };
  return (
    <form className="dcs-composer" onSubmit={submit}>
      <label className="dcs-hidden" htmlFor={id}>
        {words.messageLabel}
      </label>
      <Field field={field} id={id} draft={draft} placeholder={placeholder ?? words.placeholder} onSend={submit} />
      <button type="submit" className="dcs-send" disabled={isBusy || draft.trim() === ""} aria-label={words.send}>
        <NamedIcon name="send" />
      </button>
    </form>
  );
}

interface FieldProps {
  field: RefObject<HTMLTextAreaElement | null>;
  id: string;
  draft: string;
  placeholder: string;
  onSend: (event: SyntheticEvent) => void;
}

function Field({ field, id, draft, placeholder, onSend }: FieldProps) {
  const store = useChatStore();
  const type = (event: ChangeEvent<HTMLTextAreaElement>) => {
    store.setDraft(event.currentTarget.value);
    store.touch();
  };
  return (
    <textarea
      ref={field}
      id={id}
      className="dcs-composer-field"
      rows={1}
      dir="auto"
      value={draft}
      placeholder={placeholder}
      enterKeyHint="send"
      onChange={type}
      onKeyDown={(event) => isSendKey(event) && onSend(event)}
    />
  );
}

function isSomethingUnderWay({ running, pending }: ChatSnapshot): boolean {
  return running !== null || pending.some(({ state }) => state === "sending");
}

function useSend(field: RefObject<HTMLTextAreaElement | null>, isBusy: boolean): () => void {
  const store = useChatStore();
  return () => {
    const { draft } = store.getSnapshot();
    if (!isBusy) store.send(draft);
    field.current?.focus();
  };
}

/** Enter alone; while an input method composes, Enter chooses a candidate (229 is how Safari says so). */
function isSendKey({ key, shiftKey, ctrlKey, altKey, metaKey, nativeEvent }: KeyboardEvent): boolean {
  if (key !== "Enter" || shiftKey || ctrlKey || altKey || metaKey) return false;
  return !nativeEvent.isComposing && nativeEvent.keyCode !== 229;
}

function useAutoGrow(field: { current: HTMLTextAreaElement | null }, text: string) {
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what makes the field grow
  useEffect(() => {
    const element = field.current;
    if (element === null) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [field, text]);
}
