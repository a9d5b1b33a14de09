import { type FocusEvent, type KeyboardEvent, useId, useRef, useState } from "react";
import type { Session } from "../core/index.js";
import type { RowVerb } from "./HistoryRow.js";
import { HistoryIcon, type HistoryIconName } from "./historyIcons.js";
import { useHistoryWords } from "./historyWords.js";
import { useBeforePaint } from "./useBeforePaint.js";

interface HistoryMenuProps {
  session: Session;
  title: string;
  tabIndex: number;
  onAct: (verb: RowVerb) => void;
}

/** What can be done to a session, behind one button. */
export function HistoryMenu({ session, title, tabIndex, onAct }: HistoryMenuProps) {
  const words = useHistoryWords();
  const id = useId();
  const [isOpen, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement | null>(null);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const items: [RowVerb, HistoryIconName, string][] = [
    ["pin", "pin", session.pinned_at === null ? words.pin : words.unpin],
    ["rename", "pencil", words.rename],
    ["archive", "archive", session.archived_at === null ? words.archive : words.unarchive],
    ["remove", "trash", words.remove],
  ];
  const choose = (verb: RowVerb) => {
    close();
    onAct(verb);
  };
  return (
    <span className="dcs-history-tools">
      <button
        ref={button}
        type="button"
        className="dcs-tool"
        aria-label={words.more(title)}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={isOpen ? id : undefined}
        tabIndex={tabIndex}
        // The focus stays in an open menu, so that a click here closes it and does not open it anew.
        onMouseDown={(event) => isOpen && event.preventDefault()}
        onClick={() => (isOpen ? close() : setOpen(true))}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          setOpen(true);
        }}
      >
        <HistoryIcon name="more" />
      </button>
      {isOpen && <Items {...{ id, items, button }} onChoose={choose} onEscape={close} onLeave={() => setOpen(false)} />}
    </span>
  );
}

interface ItemsProps {
  id: string;
  items: [RowVerb, HistoryIconName, string][];
  button: { current: HTMLElement | null };
  onChoose: (verb: RowVerb) => void;
  onEscape: () => void;
  onLeave: () => void;
}

function Items({ id, items, button, onChoose, onEscape, onLeave }: ItemsProps) {
  const menu = useRef<HTMLDivElement | null>(null);
  useBeforePaint(() => {
    if (menu.current !== null && button.current !== null) showAt(menu.current, button.current);
  }, [button]);
  const onKeyDown = (event: KeyboardEvent) => {
    const all = [...(menu.current?.querySelectorAll("button") ?? [])];
    const at = all.indexOf(event.target as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: 0, End: all.length - 1 }[event.key];
    if (event.key !== "Escape" && to === undefined) return;
    event.preventDefault();
    // Neither the list nor the dropdown around it is meant.
    event.stopPropagation();
    if (to === undefined) onEscape();
    else all[to % all.length]?.focus();
  };
  const onBlur = (event: FocusEvent) => {
    if (!menu.current?.contains(event.relatedTarget)) onLeave();
  };
  return (
    <div ref={menu} id={id} className="dcs-menu" role="menu" popover="manual" onKeyDown={onKeyDown} onBlur={onBlur}>
      {items.map(([verb, icon, word]) => (
        <button key={verb} type="button" role="menuitem" tabIndex={-1} data-verb={verb} onClick={() => onChoose(verb)}>
          <HistoryIcon name={icon} />
          <span>{word}</span>
        </button>
      ))}
    </div>
  );
}

const GAP = 4;

/** Above everything, below the button or, where no room is left, above it; it ends where the button does. */
function showAt(menu: HTMLElement, button: HTMLElement): void {
  menu.showPopover?.();
  const { top, bottom, left, right } = button.getBoundingClientRect();
  const { offsetWidth, offsetHeight, style } = menu;
  const isBelow = bottom + GAP + offsetHeight <= innerHeight;
  style.top = `${isBelow ? bottom + GAP : Math.max(GAP, top - GAP - offsetHeight)}px`;
  const at = getComputedStyle(menu).direction === "rtl" ? left : right - offsetWidth;
  style.left = `${Math.max(GAP, Math.min(innerWidth - GAP - offsetWidth, at))}px`;
  menu.querySelector("button")?.focus();
}
