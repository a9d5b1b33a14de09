export interface Source {
  title: string;
  /** Null when the address is not one that may be followed. */
  url: string | null;
  quote: string;
}

/** What the responder put into `metadata.sources`; anything that is not a source is left out. */
export function sourcesIn(metadata: Record<string, unknown>): Source[] {
  if (!Array.isArray(metadata.sources)) return [];
  return metadata.sources.flatMap((given: unknown) => {
    if (typeof given !== "object" || !given) return [];
    const { title, url, quote } = given as Record<string, unknown>;
    const link = typeof url === "string" ? safeUrl(url) : null;
    const name = typeof title === "string" && title !== "" ? title : link;
    return name === null ? [] : [{ title: name, url: link, quote: typeof quote === "string" ? quote : "" }];
  });
}

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const SAFE_SCHEME = /^(https?:\/\/|mailto:)/i;

/** http, https, mailto, or a path on this site; null for everything else. */
export function safeUrl(url: string): string | null {
  const address = url.trim();
  // Browsers drop control characters before they read the scheme, and read a backslash as a slash.
  if (/[\s\\\p{Cc}]/u.test(address)) return null;
  if (SCHEME.test(address)) return SAFE_SCHEME.test(address) ? address : null;
  return address === "" || address.startsWith("//") ? null : address;
}
