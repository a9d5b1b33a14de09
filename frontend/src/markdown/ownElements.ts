import type { ExtraProps } from "react-markdown";

type Element = NonNullable<ExtraProps["node"]>;
type Child = Element["children"][number];

/**
 * Text beside something else gets an element of its own, as all of it has elsewhere in the chat. A browser that
 * translates the page puts its words in the place of the text: React would go on writing where nobody sees it.
 */
export function ownElements() {
  return (tree: object) => own(tree as Element);
}

function own(parent: Element): void {
  const isAlone = parent.children.length === 1;
  parent.children = parent.children.map((child): Child => {
    if (child.type === "element") own(child);
    if (isAlone || child.type !== "text" || child.value.trim() === "") return child;
    return { type: "element", tagName: "span", properties: {}, children: [child] };
  });
}
