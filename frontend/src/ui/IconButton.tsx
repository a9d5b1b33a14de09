import { type IconName, NamedIcon } from "./icons.js";

interface IconButtonProps {
  name: IconName;
  /** For those who do not see the icon, and for the pointer that rests on it. */
  label: string;
  onClick: () => void;
}

export function IconButton({ name, label, onClick }: IconButtonProps) {
  return (
    <button type="button" className="dcs-icon-button" aria-label={label} title={label} onClick={onClick}>
      <NamedIcon name={name} />
    </button>
  );
}
