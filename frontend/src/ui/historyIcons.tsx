import { Icon } from "./icons.js";

/** Apart from the others, because a chat is shown before its history is loaded. */
const paths = {
  search: "m13.5 13.5 3 3M15 9A6 6 0 1 1 3 9a6 6 0 0 1 12 0Z",
  pencil: "m4 16 1-4 8-8 3 3-8 8Z",
  trash: "M4 6h12M8 6V4.5h4V6M5.5 6l.7 10h7.6l.7-10",
  pin: "M7.5 3.5h5L12 8l2.5 3h-9L8 8l-.5-4.5ZM10 11v5.5",
  archive: "M3.5 4h13v3.5h-13ZM5 7.5V16h10V7.5M8.5 10.5h3",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  back: "M16 10H4M9.5 4.5 4 10l5.5 5.5",
  backRightwards: "M4 10h12M10.5 4.5 16 10l-5.5 5.5",
} as const;

export type HistoryIconName = keyof typeof paths;

export function HistoryIcon({ name }: { name: HistoryIconName }) {
  return <Icon path={paths[name]} />;
}
