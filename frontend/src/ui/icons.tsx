import type { ReactNode } from "react";

function Icon({ children }: { children: ReactNode }) {
  return (
    <svg
      className="dcs-icon"
      viewBox="0 0 20 20"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      focusable="false"
    >
      {children}
    </svg>
  );
}

const paths = {
  send: "M10 16V4M4.5 9.5 10 4l5.5 5.5",
  stop: "M6.500 6.500h7v7h-7Z",
  plus: "M10 4v12M4 10h12",
  clock: "M10 5.5V10l3 2M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
  search: "m13.5 13.5 3 3M15 9A6 6 0 1 1 3 9a6 6 0 0 1 12 0Z",
  pencil: "m4 16 .8-3.4L13 4.4a1.4 1.4 0 0 1 2 0l.6.6a1.4 1.4 0 0 1 0 2L7.4 15.2 4 16Z",
  trash: "M4 6h12M8 6V4.5h4V6M5.5 6l.7 10h7.6l.7-10",
  pin: "M7.500 3.500h5L12 8l2.500 3h-9L8 8l-.500-4.500ZM10 11v5.500",
  archive: "M3.500 4h13v3.500h-13ZM5 7.500V16h10V7.500M8.500 10.500h3",
  more: "M5 10h.010M10 10h.010M15 10h.010",
  back: "M16 10H4M9.500 4.500 4 10l5.500 5.500",
  down: "M10 4v12M4.5 10.5 10 16l5.5-5.5",
  close: "m5 5 10 10M15 5 5 15",
  pause: "M7.5 5.5v9M12.5 5.5v9",
  check: "m4.5 10.5 3.5 3.5 7.5-8",
  offline:
    "M3 3l14 14M6 8.5A7 7 0 0 1 8 7.4M12.6 7.6A7 7 0 0 1 14.5 9M8.5 11.7a3.5 3.5 0 0 1 3 0M10 15h.01M2.5 6.800A12 12 0 0 1 5.5 4.900M9 4.050a12 12 0 0 1 8.5 2.7",
  spark: "M10 3.5 11.6 8.4 16.5 10l-4.9 1.600L10 16.500l-1.6-4.900L3.5 10l4.9-1.600Z",
  warning:
    "M10 7.500v3.5M10 14h.01M8.8 3.7 2.6 14.400A1.4 1.4 0 0 0 3.8 16.500h12.400a1.4 1.4 0 0 0 1.2-2.100L11.2 3.700a1.4 1.4 0 0 0-2.4 0Z",
} as const;

export type IconName = keyof typeof paths;

export function NamedIcon({ name }: { name: IconName }) {
  return (
    <Icon>
      <path d={paths[name]} />
    </Icon>
  );
}
