import type { Boundary } from "../core/index.js";
import { useChatStore } from "../react/index.js";
import { LinkButton } from "./LinkButton.js";
import { type ChatWords, durationText, useWords } from "./words.js";

export interface BoundaryNoticeProps {
  boundary: Boundary;
}

/** Between two sessions in one transcript: that a new one began, why, and the way back. */
export function BoundaryNotice({ boundary }: BoundaryNoticeProps) {
  const words = useWords();
  const store = useChatStore();
  return (
    <div className="dcs-boundary">
      <p>
        <span>{reasonText(boundary, words)}</span>
        <span aria-hidden="true"> · </span>
        <LinkButton onClick={() => void store.reopen(boundary.previous.id)}>{words.continuePreviousOne}</LinkButton>
      </p>
    </div>
  );
}

/** That a new chat began, and why. */
export function reasonText({ reason, seconds }: Boundary, words: ChatWords): string {
  if (reason === "idle") return words.boundary(durationText(seconds, words.locale));
  if (reason === "user") return words.boundaryByWish;
  if (reason === "day") return words.boundaryDay;
  return reason === "max_age" ? words.boundaryMaxAge : words.boundaryOtherwise;
}
