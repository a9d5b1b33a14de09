import {
  type KeyboardEvent,
  type ReactNode,
  type RefObject,
  type SyntheticEvent,
  useEffect,
  useRef,
  useState,
} from "react";
import { useChatSelector, useChatStore } from "../react/index.js";
import { isComposing } from "./isComposing.js";
import { Launcher } from "./Launcher.js";
import { useSlot } from "./slots.js";
import { useAnswerEnd } from "./useAnswerEnd.js";
import { useBeforePaint } from "./useBeforePaint.js";
import { useWords } from "./words.js";

export interface FloatingChatProps {
  titleId: string;
  theme: string | undefined;
  className: string;
  onPointerDown: () => void;
  onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
  children: (close: () => void) => ReactNode;
}

/** A launcher, and the chat that it opens: beside the page where there is room, else in front of it. */
export function FloatingChat({ titleId, theme, className, children, ...on }: FloatingChatProps) {
  const words = useWords();
  const Opener = useSlot("Launcher", Launcher);
  const [isOpen, setOpen] = useState(false);
  const news = useNewsWhileClosed(isOpen);
  const isUnread = useChatSelector((chat) => chat.session?.unread === true);
  const { hide } = useChatStore();
  // After the frame, which takes a floating chat for closed, also when it is shown again after a fallback.
  useBeforePaint(() => {
    let isLeft = false;
    queueMicrotask(() => isLeft || hide(!isOpen));
    return () => {
      isLeft = true;
    };
  }, [hide, isOpen]);
  const dialog = useRef<HTMLDialogElement | null>(null);
  const launcher = useRef<HTMLDivElement | null>(null);
  useShown(dialog, isOpen);
  useEffect(() => {
    if (!isOpen) return;
    const { current } = dialog;
    return () => {
      // Who reads the page beside it stays there.
      const { activeElement } = document;
      if (activeElement === document.body || current?.contains(activeElement))
        launcher.current?.querySelector("button")?.focus();
    };
  }, [isOpen]);
  const close = () => setOpen(false);
  useEscapeElsewhere(dialog, isOpen, setOpen);
  return (
    <div className="dcs dcs-floating" data-theme={theme} lang={words.locale}>
      <div ref={launcher} hidden={isOpen}>
        <Opener isUnread={isUnread || news !== ""} onOpen={() => setOpen(true)} />
      </div>
      <div className="dcs-hidden" role="status">
        {news}
      </div>
      <dialog
        ref={dialog}
        className={`dcs-widget ${className}`}
        data-layout="floating"
        aria-labelledby={titleId}
        onCancel={(event: SyntheticEvent) => {
          event.preventDefault();
          close();
        }}
        onPointerDown={on.onPointerDown}
        onKeyDown={(event) => {
          on.onKeyDown(event);
          if (isClosing(event)) close();
        }}
      >
        {children(close)}
      </dialog>
    </div>
  );
}

/** Where the chat lies upon what has the focus in the page, Escape uncovers it, and leaves the focus there. */
function useEscapeElsewhere(
  dialog: RefObject<HTMLDialogElement | null>,
  isOpen: boolean,
  setOpen: (isOpen: boolean) => void,
) {
  useEffect(() => {
    if (!isOpen) return;
    const listener = (event: globalThis.KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented) return;
      const focused = document.activeElement ?? document.body;
      const { x, y, width, height } = focused.getBoundingClientRect();
      const above = document.elementFromPoint(x + width / 2, y + height / 2);
      if (!dialog.current?.contains(focused) && dialog.current?.contains(above)) setOpen(false);
    };
    document.addEventListener("keydown", listener);
    return () => document.removeEventListener("keydown", listener);
  }, [dialog, isOpen, setOpen]);
}

/** A small screen, or a page at 400 %: the chat covers it, so nothing behind it may have the focus. */
const COVERING = "(max-width: 30rem), (max-height: 30rem)";

function useShown(dialog: RefObject<HTMLDialogElement | null>, isOpen: boolean) {
  useBeforePaint(() => {
    const element = dialog.current;
    if (!isOpen || element === null) return;
    const covering = matchMedia(COVERING);
    const show = () => {
      const focused = element.contains(document.activeElement) ? document.activeElement : null;
      element.close();
      if (covering.matches) element.showModal();
      else element.show();
      const first = focused ?? element.querySelector("textarea") ?? element.querySelector("button");
      (first as HTMLElement | null)?.focus();
    };
    show();
    covering.addEventListener("change", show);
    return () => {
      covering.removeEventListener("change", show);
      element.close();
    };
  }, [dialog, isOpen]);
}

/** How the last answer ended, if nobody saw that. */
function useNewsWhileClosed(isOpen: boolean): string {
  const isUnread = useChatSelector((chat) => chat.session?.unread === true);
  const [news, setNews] = useState("");
  useAnswerEnd((text) => !isOpen && setNews(text));
  const wasUnread = useRef(isUnread);
  useEffect(() => {
    // Or it was read in another tab.
    if (isOpen || (wasUnread.current && !isUnread)) setNews("");
    wasUnread.current = isUnread;
  }, [isOpen, isUnread]);
  return news;
}

/** Escape, unless something inside has a use for it. */
function isClosing(event: KeyboardEvent): boolean {
  const { key, target, defaultPrevented } = event;
  if (key !== "Escape" || defaultPrevented || isComposing(event)) return false;
  // Else the browser itself would close a chat that covers the page.
  event.preventDefault();
  return (target as Element).closest(".dcs-history") === null;
}
