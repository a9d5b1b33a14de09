import { type ComponentProps, memo } from "react";
import ReactMarkdown, { type Components, type ExtraProps } from "react-markdown";
import remarkGfm from "remark-gfm";
import { Paragraphs, safeUrl } from "../ui/index.js";
import { isTooDeep } from "./nesting.js";
import { PlainOnError } from "./PlainOnError.js";

const PLUGINS = [remarkGfm];

/** Headings below those of the chat itself. */
const COMPONENTS: Components = { a: Link, img: Picture, h1: "h4", h2: "h4", h3: "h5", h4: "h6", h5: "h6" };

/** Without raw HTML: tags are shown as they were written. */
export const Markdown = memo(function Markdown({ text }: { text: string }) {
  if (isTooDeep(text)) return <Paragraphs text={text} />;
  return (
    <PlainOnError text={text}>
      <div className="dcs-markdown" dir="auto">
        <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS} urlTransform={safeUrl}>
          {text}
        </ReactMarkdown>
      </div>
    </PlainOnError>
  );
});

type Of<Tag extends "a" | "img"> = ComponentProps<Tag> & ExtraProps;

/** An address that may not be followed leaves the words. */
function Link({ href, children }: Of<"a">) {
  if (!href) return children;
  const isElsewhere = /^https?:/i.test(href);
  return (
    <a href={href} {...(isElsewhere ? { target: "_blank", rel: "noopener noreferrer" } : {})}>
      {children}
    </a>
  );
}

/** Only from this site: another one would learn who reads, and when. From there it is a link. */
function Picture({ src, alt }: Of<"img">) {
  if (typeof src === "string" && /^[^:]+$/.test(src)) return <img src={src} alt={alt ?? ""} loading="lazy" />;
  return <Link href={src as string}>{alt || src}</Link>;
}
