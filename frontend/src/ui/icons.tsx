const paths = {
  send: "M10 16V4M4.5 9.5 10 4l5.5 5.5",
  stop: "M6.5 6.5h7v7h-7Z",
  plus: "M10 4v12M4 10h12",
  clock: "M10 5.5V10l3 2M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
  search: "m13.5 13.5 3 3M15 9A6 6 0 1 1 3 9a6 6 0 0 1 12 0Z",
  pencil: "m4 16 1-4 8-8 3 3-8 8Z",
  trash: "M4 6h12M8 6V4.5h4V6M5.5 6l.7 10h7.6l.7-10",
  pin: "M7.500 3.500h5L12 8l2.500 3h-9L8 8l-.500-4.500ZM10 11v5.500",
  archive: "M3.500 4h13v3.500h-13ZM5 7.500V16h10V7.500M8.500 10.500h3",
  more: "M5 10h.010M10 10h.010M15 10h.010",
  back: "M16 10H4M9.500 4.500 4 10l5.500 5.500",
  down: "M10 4v12M4.5 10.5 10 16l5.5-5.5",
  copy: "M7 7h9v9H7ZM13 4H4v9",
  chat: "M3.5 4h13v10H9l-4 3v-3H3.5Z",
  close: "m5 5 10 10M15 5 5 15",
  pause: "M7.5 5.5v9M12.5 5.5v9",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  offline: "m3 3 14 14M2.5 7.5a11 11 0 0 1 15 0M5.5 11a6.5 6.5 0 0 1 9 0M10 15h.01",
  spark: "m10 3 2 5 5 2-5 2-2 5-2-5-5-2 5-2Z",
  warning: "M10 8v3.5M10 14h.01M10 3 2.5 16.5h15Z",
} as const;

export type IconName = keyof typeof paths;

export function NamedIcon({ name }: { name: IconName }) {
  return (
    <svg className="dcs-icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      <path d={paths[name]} />
    </svg>
  );
}
