import type { Timers } from "../clock.js";
import type { Updates } from "../wire.js";

interface OpenStream {
  /** Who has opened it, and is told for as long as it lives. */
  reader: string;
  cursor: string | null;
  controller: ReadableStreamDefaultController<Uint8Array>;
  timer: unknown;
}

const KEEP_ALIVE = 15_000;
const POLL = { status: 406, body: { code: "use_polling", message: "This server cannot stream.", field: null } };

/** The event streams of the memory server, if it has any. */
export class MemoryStreams {
  refusal: { status: number; body: unknown; retryAfter?: string } | null = POLL;
  /** Connections stay open, and nothing comes through any more. */
  isSilent = false;
  private readonly streams = new Set<OpenStream>();
  private readonly timers: Timers;
  private readonly newsSince: (cursor: string | null, reader: string) => Updates | null;
  private readonly isThere: (reader: string) => boolean;

  constructor(
    timers: Timers,
    newsSince: (cursor: string | null, reader: string) => Updates | null,
    isThere: (reader: string) => boolean,
  ) {
    this.timers = timers;
    this.newsSince = newsSince;
    this.isThere = isThere;
  }

  get count(): number {
    return this.streams.size;
  }

  open(reader: string, cursor: string | null, signal?: AbortSignal): Response {
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const stream: OpenStream = { reader, cursor, controller, timer: null };
        signal?.addEventListener("abort", () => {
          if (this.forget(stream)) controller.error(new DOMException("Aborted", "AbortError"));
        });
        this.streams.add(stream);
        this.keepAlive(stream);
        this.pushTo(stream);
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  }

  /** Whoever follows is told what is new. */
  push(): void {
    for (const stream of [...this.streams]) this.pushTo(stream);
  }

  /** As the server does after some minutes. */
  end(): void {
    for (const stream of [...this.streams]) if (this.forget(stream)) stream.controller.close();
  }

  /** As a lost connection does. */
  cut(): void {
    for (const stream of [...this.streams]) {
      if (this.forget(stream)) stream.controller.error(new TypeError("network error"));
    }
  }

  private pushTo(stream: OpenStream): void {
    const updates = this.newsSince(stream.cursor, stream.reader);
    if (updates === null || this.isSilent) return;
    stream.cursor = updates.cursor;
    this.write(stream, `event: updates\nid: ${updates.cursor}\ndata: ${JSON.stringify(updates)}\n\n`);
  }

  /** Whoever has logged out is told no more. */
  private keepAlive(stream: OpenStream): void {
    if (!this.isThere(stream.reader)) {
      if (this.forget(stream)) stream.controller.close();
      return;
    }
    this.write(stream, ": keep-alive\n\n");
    stream.timer = this.timers.setTimeout(() => this.keepAlive(stream), KEEP_ALIVE);
  }

  private write(stream: OpenStream, text: string): void {
    if (!this.isSilent) stream.controller.enqueue(new TextEncoder().encode(text));
  }

  private forget(stream: OpenStream): boolean {
    this.timers.clearTimeout(stream.timer);
    return this.streams.delete(stream);
  }
}
