import { type RefObject, useEffect } from "react";

/** When what has the focus goes away, as a button does once it is used, the focus goes to where one can go on. */
export function useKeptFocus(root: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const box = root.current;
    if (!box) return;
    let last: Element | null = null;
    const enter = ({ target }: FocusEvent) => {
      last = target as Element;
    };
    // An element that is taken away may say that it loses the focus, too; then it is no longer in the page.
    const leave = () =>
      queueMicrotask(() => {
        if (last?.isConnected && last !== document.activeElement) last = null;
      });
    const observer = new MutationObserver(() => {
      const isLost = document.activeElement === document.body || document.activeElement === null;
      if (!last || last.isConnected || !isLost) return;
      last = null;
      box.querySelector<HTMLElement>(".dcs-footer :is(textarea, button)")?.focus();
    });
    box.addEventListener("focusin", enter);
    box.addEventListener("focusout", leave);
    observer.observe(box, { childList: true, subtree: true });
    return () => {
      box.removeEventListener("focusin", enter);
      box.removeEventListener("focusout", leave);
      observer.disconnect();
    };
  }, [root]);
}
