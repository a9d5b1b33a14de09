import {
  type ChangeEvent,
  type KeyboardEvent,
  type RefObject,
  type SyntheticEvent,
  useEffect,
  useId,
  useRef,
} from "react";
import { useChatSelector, useChatStore } from "../react/index.js";
import { NamedIcon } from "./icons.js";
import { isComposing } from "./isComposing.js";
import { useWords } from "./words.js";

export interface ComposerProps {
  placeholder?: string | undefined;
  autoFocus?: boolean | undefined;
}

export function Composer({ placeholder, autoFocus }: ComposerProps) {
  const words = useWords();
  const store = useChatStore();
  const draft = useChatSelector((chat) => chat.draft);
  const isRunning = useChatSelector((chat) => chat.running !== null);
  const field = useRef<HTMLTextAreaElement | null>(null);
  const id = useId();
  // biome-ignore lint/correctness/useExhaustiveDependencies: the text is what makes the field grow
  useEffect(() => {
    if (field.current) grow(field.current);
  }, [draft]);
  useEffect(() => {
    if (autoFocus) field.current?.focus();
  }, [autoFocus]);
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    const now = store.getSnapshot();
    // While an answer is written, what is typed stays; behind messages that wait, one more may wait.
    if (!now.running) store.send(now.draft);
    field.current?.focus();
  };
  return (
    <form className="dcs-composer" onSubmit={submit}>
      <label className="dcs-hidden" htmlFor={id}>
        {words.messageLabel}
      </label>
      <Field field={field} id={id} draft={draft} placeholder={placeholder ?? words.placeholder} onSend={submit} />
      <ActionButton isRunning={isRunning} isDisabled={draft.trim() === ""} />
    </form>
  );
}

interface ActionButtonProps {
  isRunning: boolean;
  isDisabled: boolean;
}

/** One button that sends, or stops the answer: it stays the same element, so that it keeps the focus. */
function ActionButton({ isRunning, isDisabled }: ActionButtonProps) {
  const words = useWords();
  const store = useChatStore();
  const name = isRunning ? "stop" : "send";
  return (
    <button
      // That it submits goes without saying: many a site makes `button[type="submit"]` as wide as its form.
      type={isRunning ? "button" : undefined}
      className="dcs-send"
      data-action={name}
      // A press leaves the focus in the field; on what is really disabled it would take it away.
      aria-disabled={!isRunning && isDisabled}
      onMouseDown={(event) => event.preventDefault()}
      aria-label={words[name]}
      title={words[name]}
      // The second half of a double click on "Send" may find "Stop" in its place.
      onClick={({ detail }) => void (isRunning && detail < 2 && store.stop())}
    >
      <NamedIcon name={name} />
    </button>
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
      value={draft}
      placeholder={placeholder}
      enterKeyHint="send"
      // Firefox would put its own copy back into a tab that is opened again, whoever the reader is by then.
      autoComplete="off"
      // It may have been measured where it was not shown, or wider.
      onFocus={({ currentTarget }) => grow(currentTarget)}
      onChange={type}
      onKeyDown={(event) => {
        if (isComposing(event)) return;
        if (isSendKey(event)) onSend(event);
        if (event.key !== "Escape" || !store.getSnapshot().running) return;
        event.preventDefault();
        void store.stop();
      }}
    />
  );
}

/** Enter alone. */
function isSendKey({ key, shiftKey, ctrlKey, altKey, metaKey }: KeyboardEvent): boolean {
  return key === "Enter" && !shiftKey && !ctrlKey && !altKey && !metaKey;
}

function grow(field: HTMLTextAreaElement) {
  field.style.height = "auto";
  // With its border, or it would scroll by that.
  field.style.height = `${field.scrollHeight + 2}px`;
}
