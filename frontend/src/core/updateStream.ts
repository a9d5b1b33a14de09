import type { StreamOptions } from "./apiClient.js";
import { ApiError } from "./errors.js";
import { type Exchange, readAnswer } from "./exchange.js";
import { createSseParser } from "./sseParser.js";
import type { Updates } from "./wire.js";

type StreamEvents = Pick<StreamOptions, "onUpdates" | "onAlive">;

/** The server says something at least every 15 seconds: a stream that is silent for so long is broken. */
const SILENCE = 35_000;
// A server that cannot stream then answers once, instead of refusing.
const ACCEPT = "text/event-stream, application/json;q=0.9";

/** Follow the stream to its end; false when the server has answered once instead. */
export function streamUpdates(
  exchange: Exchange,
  path: string,
  { signal, onUpdates, onAlive }: StreamEvents & Pick<StreamOptions, "signal">,
): Promise<boolean> {
  // It may have been given up while this code came.
  signal.throwIfAborted();
  return exchange({ path, signal, headers: { Accept: ACCEPT } }, async (response, allow) => {
    if (!response.ok || !response.headers.get("Content-Type")?.startsWith("text/event-stream")) {
      onUpdates(await readAnswer<Updates>(response));
      return false;
    }
    allow(SILENCE);
    const heard = () => {
      allow(SILENCE);
      onAlive();
    };
    await readUpdates(response, { onUpdates, onAlive: heard });
    return true;
  });
}

async function readUpdates(response: Response, { onUpdates, onAlive }: StreamEvents): Promise<void> {
  if (response.body === null) throw new ApiError({ message: "The stream has no body." });
  const reader = response.body.getReader();
  // Its memory joins characters of which half came with one piece and half with the next.
  const decoder = new TextDecoder();
  const parse = createSseParser(({ event, data }) => {
    if (event === "updates") onUpdates(JSON.parse(data) as Updates);
  });
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      onAlive();
      parse(decoder.decode(next.value, { stream: true }));
    }
  } finally {
    // What cannot be read is not waited for either.
    reader.cancel().catch(() => {});
  }
}
