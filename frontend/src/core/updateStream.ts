import { NetworkError } from "./errors.js";
import { createSseParser } from "./sseParser.js";
import type { Updates } from "./wire.js";

export interface UpdateStreamEvents {
  onUpdates(updates: Updates): void;
  onAlive(): void;
}

/** Reads one stream to its end. Whatever breaks it rejects. */
export async function readUpdates(response: Response, { onUpdates, onAlive }: UpdateStreamEvents): Promise<void> {
  if (response.body === null) throw new NetworkError("The stream has no body.");
  const reader = response.body.getReader();
  // Its memory joins characters of which half came with one piece and half with the next.
  const decoder = new TextDecoder();
  const parse = createSseParser(({ event, data }) => {
    if (event === "updates") onUpdates(JSON.parse(data) as Updates);
  });
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    onAlive();
    parse(decoder.decode(next.value, { stream: true }));
  }
}
