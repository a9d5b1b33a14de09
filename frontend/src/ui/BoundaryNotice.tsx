import type { Boundary } from "../core/index.js";
import { useChatStore } from "../react/index.js";
import { durationText, useWords } from "./words.js";

/** Between two sessions in one transcript: that a new one began, why, and the way back. */
export function BoundaryNotice({ boundary }: { boundary: Boundary }) {
  const words = useWords();
  const store = useChatStore();
  const isIdle = boundary.reason === "idle";
  const text = isIdle ? words.boundary(durationText(boundary.seconds, words.locale)) : words.boundaryOtherwise;
  return (
    <div className="dcs-boundary">
      <p className="dcs-boundary-text">
        <span>{text}</span>
        <button type="button" className="dcs-link" onClick={() => void store.reopen(boundary.previous.id)}>
          {words.continuePrevious}
        </button>
      </p>
    </div>
  );
}
