import type { ExtraProps } from "react-markdown";

type Element = NonNullable<ExtraProps["node"]>;

/**
 * Each paragraph, list or table of an answer has the direction of its own first words, as paragraphs of plain text
 * have. None of what is within them: what has a direction of its own says nothing about what is around it.
 */
export function ownDirections() {
  return (tree: object) => directed(tree as Element);
}

function directed({ children }: Element): void {
  for (const child of children) {
    if (child.type !== "element") continue;
    // Footnotes: their hidden heading is in the reader's language.
    if (child.tagName === "section") directed(child);
    // A line of code keeps its place and its indentation, whatever the language of its comment.
    else if (child.tagName !== "pre") child.properties.dir = "auto";
  }
}
