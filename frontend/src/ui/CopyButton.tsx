import { useEffect, useState } from "react";
import { useAnnounce } from "./Announcer.js";
import { NamedIcon } from "./icons.js";
import { useWords } from "./words.js";

const SHOWN = 2000;

/** Copies a text; nothing where the page may not use the clipboard. */
export function CopyButton({ text }: { text: string }) {
  const words = useWords();
  const announce = useAnnounce();
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const clipboard: Clipboard | undefined = globalThis.navigator?.clipboard;
  if (!clipboard || text === "") return null;
  const copy = async () => {
    await clipboard.writeText(text).catch(() => copyByCommand(text));
    setCopied(true);
    announce?.(words.copied);
  };
  return (
    <button
      type="button"
      className="dcs-tool"
      aria-label={words.copy}
      title={words.copy}
      onClick={() => void copy().catch(() => {})}
    >
      <NamedIcon name={isCopied ? "check" : "copy"} />
    </button>
  );
}

/** The way that a frame of another site still has, which may not use the clipboard. Throws where that is closed too. */
function copyByCommand(text: string) {
  const give = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", give);
  const isCopied = document.execCommand("copy");
  document.removeEventListener("copy", give);
  if (!isCopied) throw new Error("not copied");
}
