/** Frames stand still in hidden tabs. */
const LONGEST_FRAME = 200;

/** Run this before the page is painted next; soon also where it is not painted. */
export function nextFrame(run: () => void): void {
  let frame = 0;
  const go = () => {
    clearTimeout(timer);
    globalThis.cancelAnimationFrame?.(frame);
    run();
  };
  const timer = setTimeout(go, LONGEST_FRAME);
  frame = globalThis.requestAnimationFrame?.(go);
}
