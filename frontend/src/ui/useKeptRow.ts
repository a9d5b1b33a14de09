import { type FocusEvent, type RefObject, useRef } from "react";
import { focusedBeside } from "./focusedBeside.js";
import { useBeforePaint } from "./useBeforePaint.js";

/** The row that has the focus, or is to have it, and its place; without an id it is what comes after the rows. */
interface Held {
  id: string | undefined;
  at: number;
  /** A title is being typed, of which a key would do something to another row. */
  isTyped?: boolean;
}

/** The focus goes along with its row, or to the one that has taken its place; it never gets lost. */
export function useKeptRow(list: RefObject<HTMLElement | null>, onRow: (id: string | undefined) => void) {
  const held = useRef<Held | null>(null);
  useBeforePaint(() => {
    const { current } = list;
    const { current: last } = held;
    if (current === null || last === null) return;
    const all = rowsIn(current);
    if (current.contains(focusedBeside(current))) {
      // What comes in above it takes its place when it goes.
      if (last.id === undefined) last.at = all.length;
      return;
    }
    const next = last.isTyped ? undefined : all[Math.min(last.at, all.length - 1)];
    const row = all.find(({ dataset }) => dataset.id === last.id) ?? next;
    (row?.querySelector<HTMLElement>(".dcs-history-open") ?? current).focus();
  });
  const onFocus = (event: FocusEvent<HTMLElement>) => {
    const all = rowsIn(event.currentTarget);
    const at = all.findIndex((row) => row.contains(event.target));
    const id = all[at]?.dataset.id;
    held.current = { id, at: at === -1 ? all.length : at, isTyped: event.target instanceof HTMLInputElement };
    if (id !== undefined) onRow(id);
  };
  // React says nothing of a focus that goes because its element does.
  const onBlur = () => {
    held.current = null;
  };
  const goTo = (id: string) => {
    held.current = { id, at: 0 };
  };
  return { goTo, handlers: { onFocus, onBlur } };
}

function rowsIn(list: HTMLElement): HTMLElement[] {
  return [...list.querySelectorAll<HTMLElement>(".dcs-history-row")];
}
