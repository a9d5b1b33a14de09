import { Children, type ComponentProps, isValidElement, memo } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Paragraphs, safeUrl } from "../ui/index.js";
import { isTooMuch } from "./nesting.js";
import { ownDirections } from "./ownDirections.js";
import { ownElements } from "./ownElements.js";
import { PlainOnError } from "./PlainOnError.js";
import { useFootnotes } from "./useFootnotes.js";

const PLUGINS = [remarkGfm];
const TREE_PLUGINS = [ownElements, ownDirections];

/** Headings below those of the chat itself. */
const COMPONENTS: Components = {
  a: Link,
  img: Picture,
  input: Box,
  ol: Numbered,
  h1: "h4",
  h2: Heading,
  h3: "h5",
  h4: "h6",
  h5: "h6",
};

/** Without raw HTML: tags are shown as they were written. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  const footnotes = useFootnotes();
  if (isTooMuch(text)) return <Paragraphs text={text} />;
  return (
    <PlainOnError text={text}>
      <div className="dcs-markdown">
        <ReactMarkdown
          remarkPlugins={PLUGINS}
          rehypePlugins={TREE_PLUGINS}
          remarkRehypeOptions={footnotes}
          components={COMPONENTS}
          urlTransform={safeUrl}
        >
          {text}
        </ReactMarkdown>
      </div>
    </PlainOnError>
  );
});

type Of<Tag extends "a" | "img" | "h2" | "ol"> = ComponentProps<Tag> & ExtraProps;

/** Without its id: the one above footnotes is the same in every answer. */
function Heading({ dir, className, children }: Of<"h2">) {
  return <h4 {...{ dir, className }}>{children}</h4>;
}

/** With room for its longest number: what stands out of an answer is cut off, and "2024." would be "24.". */
function Numbered({ start = 1, dir, className, children }: Of<"ol">) {
  const items = Children.toArray(children).filter(isValidElement);
  const digits = String(start + items.length - 1).length;
  return (
    <ol {...{ start, dir, className }} style={{ paddingInlineStart: `max(1.5rem, ${digits + 1.25}ch)` }}>
      {children}
    </ol>
  );
}

/** Of a list of tasks; as a sign, for a field would need a name. */
function Box({ checked }: ComponentProps<"input">) {
  return <span>{checked ? "☑" : "☐"}</span>;
}

/** An address that may not be followed leaves the words. */
function Link({ href, id, "aria-label": label, children }: Of<"a">) {
  if (!href) return <span>{children}</span>;
  const isElsewhere = /^https?:/i.test(href);
  // Only those of footnotes have an id, where they are referred to, or a label, which leads back there.
  const role = label ? "doc-backlink" : id && "doc-noteref";
  return (
    <a
      {...{ href, id, role, "aria-label": label }}
      {...(isElsewhere ? { target: "_blank", rel: "noopener noreferrer" } : {})}
    >
      {children}
    </a>
  );
}

/** Only from this site: another one would learn who reads, and when. From there it is a link. */
function Picture({ src, alt }: Of<"img">) {
  if (typeof src === "string" && /^[^:]+$/.test(src)) return <img src={src} alt={alt ?? ""} loading="lazy" />;
  return <Link href={src as string}>{alt || src}</Link>;
}
