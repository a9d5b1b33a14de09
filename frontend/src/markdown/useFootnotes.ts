import { useMemo, useState } from "react";
import type { Options } from "react-markdown";
import { englishWords, useWords } from "../ui/index.js";

let answers = 0;

/** What footnotes are called, in ids of this answer's own: by `useId` they would be those of another React root, too. */
export function useFootnotes(): NonNullable<Options["remarkRehypeOptions"]> {
  const { footnotes, backToText } = { ...englishWords, ...useWords() };
  const [number] = useState(() => ++answers);
  return useMemo(
    () => ({
      clobberPrefix: `dcs-answer-${number}-`,
      footnoteLabel: footnotes,
      footnoteLabelProperties: { className: ["dcs-hidden"] },
      footnoteBackLabel: backToText,
    }),
    [number, footnotes, backToText],
  );
}
