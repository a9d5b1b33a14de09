import { expect, it } from "vitest";
import { createSseParser, type ServerEvent } from "./sseParser.js";

function parse(...pieces: string[]): ServerEvent[] {
  const events: ServerEvent[] = [];
  const push = createSseParser((event) => events.push(event));
  for (const piece of pieces) push(piece);
  return events;
}

const TEXT =
  ': hello\r\nevent: updates\r\nid: a:1\r\ndata: {"text":\r\ndata:"Ünï 🧊"}\r\n\r\n: keep-alive\n\ndata\n\nid: b\n\n';
const EVENTS = [
  { event: "updates", id: "a:1", data: '{"text":\n"Ünï 🧊"}' },
  { event: "message", id: "a:1", data: "" },
];

it("reads events, comments, lines of data, and any end of a line", () => {
  expect(parse(TEXT)).toEqual(EVENTS);
  expect(parse("event: a\rdata: 1\r\rdata: 2\n\r\n")).toEqual([
    { event: "a", id: "", data: "1" },
    { event: "message", id: "", data: "2" },
  ]);
});

it("does not mind where the text is cut", () => {
  for (let first = 0; first <= TEXT.length; first += 1) {
    for (let second = first; second <= TEXT.length; second += 1) {
      expect(parse(TEXT.slice(0, first), TEXT.slice(first, second), TEXT.slice(second))).toEqual(EVENTS);
    }
  }
  expect(parse(...TEXT.split(""))).toEqual(EVENTS);
});

it("knows nothing of an event that was cut off, nor of other fields", () => {
  expect(parse("retry: 10\nunknown\ndata: 1\n")).toEqual([]);
  expect(parse("data:  two spaces\n\n")[0]?.data).toBe(" two spaces");
});
