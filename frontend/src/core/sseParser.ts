export interface ServerEvent {
  event: string;
  id: string;
  data: string;
}

/** Server-sent events from text that comes in pieces, cut anywhere. Comments and `retry` mean nothing to us. */
export function createSseParser(onEvent: (event: ServerEvent) => void): (piece: string) => void {
  let rest = "";
  let endedInReturn = false;
  let event = "";
  let id = "";
  let data: string[] = [];

  const dispatch = () => {
    if (data.length > 0) onEvent({ event: event || "message", id, data: data.join("\n") });
    event = "";
    data = [];
  };
  const take = (line: string) => {
    if (line === "") return dispatch();
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    else if (name === "id") id = value;
    else if (name === "data") data.push(value);
  };
  return (piece) => {
    if (piece === "") return;
    // A line that ended in \r is complete; the \n that belongs to it may come with the next piece.
    const text = rest + (endedInReturn && piece.startsWith("\n") ? piece.slice(1) : piece);
    endedInReturn = piece.endsWith("\r");
    const lines = text.split(/\r\n|\r|\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) take(line);
  };
}
