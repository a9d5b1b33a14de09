import { sourcesIn } from "./sources.js";
import { useWords } from "./words.js";

const SHOWN_AT_ONCE = 3;

/** What an answer rests on; many are folded away. */
export function SourceList({ metadata }: { metadata: Record<string, unknown> }) {
  const words = useWords();
  const sources = sourcesIn(metadata);
  if (sources.length === 0) return null;
  return (
    <details className="dcs-sources" open={sources.length <= SHOWN_AT_ONCE}>
      <summary>{`${words.sources} (${new Intl.NumberFormat(words.locale).format(sources.length)})`}</summary>
      <ol>
        {sources.map(({ title, url, quote }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: the number is what a citation refers to
          <li key={index}>
            <span className="dcs-source-number">{index + 1}</span>
            <div dir="auto">
              {url ? <SourceLink title={title} url={url} /> : <span className="dcs-source-name">{title}</span>}
              {quote !== "" && (
                <p className="dcs-quote" dir="auto">
                  {quote}
                </p>
              )}
            </div>
          </li>
        ))}
      </ol>
    </details>
  );
}

function SourceLink({ title, url }: { title: string; url: string }) {
  const isElsewhere = /^https?:/i.test(url);
  return (
    <a className="dcs-source-name" href={url} {...(isElsewhere && { target: "_blank", rel: "noopener noreferrer" })}>
      {title}
    </a>
  );
}
