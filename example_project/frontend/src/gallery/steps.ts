/** Something a reader would do, named by the selector of where they do it. */
export type Step = { press: string } | { type: string; into: string } | { see: string };

/** Do one step after the other, each as soon as what it needs is there; `stop` gives up. */
export async function takeSteps(root: HTMLElement, steps: readonly Step[], stop: AbortSignal): Promise<void> {
  for (const step of steps) {
    const element = await appeared(root, placeOf(step), stop);
    if ("press" in step) element.click();
    else if ("type" in step) typeInto(element as HTMLInputElement, step.type);
  }
}

function placeOf(step: Step): string {
  if ("see" in step) return step.see;
  return "press" in step ? step.press : step.into;
}

function appeared(root: HTMLElement, selector: string, stop: AbortSignal): Promise<HTMLElement> {
  return new Promise((resolve) => {
    const look = () => {
      const found = root.querySelector<HTMLElement>(selector);
      if (found === null) return;
      observer.disconnect();
      resolve(found);
    };
    const observer = new MutationObserver(look);
    observer.observe(root, { childList: true, characterData: true, subtree: true });
    stop.addEventListener("abort", () => observer.disconnect());
    look();
  });
}

/** As typing does it: React hears of a value only when it was set without its knowledge. */
function typeInto(field: HTMLInputElement, text: string): void {
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(field, text);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
