import { memo, useDeferredValue } from "react";
import { type ContentProps, Paragraphs, useLoaded } from "../ui/index.js";

const load = () => import("./Markdown.js").then(({ Markdown }) => Markdown);

/**
 * Answers as Markdown: `<ChatWidget slots={{ Content: MarkdownContent }} />`. What readers write stays plain text, and
 * so does an answer until the renderer, `react-markdown` with `remark-gfm`, is there.
 */
export const MarkdownContent = memo(function MarkdownContent({ text, author }: ContentProps) {
  const { value: Markdown } = useLoaded(load);
  // Text that comes faster than it can be parsed is parsed less often, and typing goes first.
  const parsed = useDeferredValue(text);
  return Markdown === null || author === "user" ? <Paragraphs text={text} /> : <Markdown text={parsed} />;
});
