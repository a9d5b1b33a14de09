const paths = {
  send: "M10 16V4M4.5 9.5 10 4l5.5 5.5",
  stop: "M6.5 6.5h7v7h-7Z",
  plus: "M10 4v12M4 10h12",
  clock: "M10 5.5V10l3 2M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0Z",
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
  return <Icon path={paths[name]} />;
}

export function Icon({ path }: { path: string }) {
  return (
    <svg className="dcs-icon" viewBox="0 0 20 20" aria-hidden="true">
      <path d={path} />
    </svg>
  );
}
