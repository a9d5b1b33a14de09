import type { KeyboardEvent } from "react";

/** While an input method composes, Enter and Escape are its own; Safari has ended that by then, and says 229. */
export function isComposing({ nativeEvent }: KeyboardEvent): boolean {
  return nativeEvent.isComposing || nativeEvent.keyCode === 229;
}
