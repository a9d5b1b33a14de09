import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import nothingToRetry from "../../../tests/contract/conflict_nothing_to_retry.json";
import ended from "../../../tests/contract/conflict_session_ended.json";
import inProgress from "../../../tests/contract/conflict_turn_in_progress.json";
import current from "../../../tests/contract/current_expired.json";
import resumed from "../../../tests/contract/current_resumed.json";
import invalid from "../../../tests/contract/error_invalid.json";
import tooManyStreams from "../../../tests/contract/error_too_many_streams.json";
import usePolling from "../../../tests/contract/error_use_polling.json";
import found from "../../../tests/contract/found.json";
import held from "../../../tests/contract/held.json";
import history from "../../../tests/contract/history.json";
import read from "../../../tests/contract/read.json";
import reopened from "../../../tests/contract/reopened.json";
import retried from "../../../tests/contract/retried.json";
import sent from "../../../tests/contract/sent.json";
import session from "../../../tests/contract/session.json";
import started from "../../../tests/contract/started.json";
import stopped from "../../../tests/contract/stopped.json";
import transcript from "../../../tests/contract/transcript.json";
import answered from "../../../tests/contract/updates_answered.json";
import delta from "../../../tests/contract/updates_delta.json";
import expired from "../../../tests/contract/updates_expired.json";
import first from "../../../tests/contract/updates_first.json";
import { createApiClient } from "./apiClient.js";
import {
  ARRIVAL_STATUSES,
  type Arrival,
  type ChangeSession,
  CONFLICT_CODES,
  type Conflict,
  type CurrentSession,
  type Delta,
  ERROR_CODES,
  type ErrorBody,
  type Found,
  type Held,
  type History,
  type Match,
  MESSAGE_STATES,
  type Message,
  type OpenedSession,
  ROLES,
  SESSION_STATES,
  type SendMessage,
  type SentMessage,
  type Session,
  type SessionReply,
  type SessionState,
  type StartSession,
  type Transcript,
  type Updates,
} from "./wire.js";

/** How a TypeScript field reads in the contract's terms; the compiler works these out. */
type Name<V> = [V] extends [string]
  ? "string"
  : [V] extends [number]
    ? "integer"
    : [V] extends [boolean]
      ? "boolean"
      : [V] extends [Session]
        ? "Session"
        : [V] extends [Message]
          ? "Message"
          : [V] extends [Arrival]
            ? "Arrival"
            : [V] extends [Delta]
              ? "Delta"
              : [V] extends [Match]
                ? "Match"
                : [V] extends [(infer Item extends object)[]]
                  ? `${Name<Item>}[]`
                  : [V] extends [null]
                    ? "null"
                    : "object";
type Kind<V> = [V] extends [null] ? "null" : null extends V ? `${Name<NonNullable<V>>}|null` : Name<V>;
type Shape<T> = {
  [K in keyof T]-?: undefined extends T[K] ? `${Kind<Exclude<T[K], undefined>>}?` : Kind<T[K]>;
};

const sessionShape: Shape<Session> = {
  id: "string",
  scope: "string",
  state: "string",
  running: "boolean",
  title: "string",
  preview: "string",
  message_count: "integer",
  unread: "boolean",
  started_at: "string",
  last_activity_at: "string",
  last_message_at: "string",
  expires_at: "string|null",
  ended_at: "string|null",
  end_reason: "string",
  previous: "string|null",
  pinned_at: "string|null",
  archived_at: "string|null",
};
const messageShape: Shape<Message> = {
  id: "string",
  session: "string",
  role: "string",
  content: "string",
  position: "integer",
  state: "string",
  attempt: "integer",
  error: "string",
  created_at: "string",
  metadata: "object",
};
const arrivalShape: Shape<Arrival> = { status: "string", reason: "string", previous: "Session|null" };
const currentShape: Shape<CurrentSession> = {
  arrival: "Arrival",
  session: "Session|null",
  server_time: "string",
  reader: "string",
};
const openedShape: Shape<OpenedSession> = { arrival: "Arrival", session: "Session", server_time: "string" };
const stateShape: Shape<SessionState> = { session: "Session", server_time: "string" };
const replyShape: Shape<SessionReply> = { session: "Session", reply: "Message|null", server_time: "string" };
const deltaShape: Shape<Delta> = {
  session: "string",
  message: "string",
  attempt: "integer",
  offset: "integer",
  text: "string",
};
const updatesShape: Shape<Updates> = {
  cursor: "string",
  sessions: "Session[]",
  messages: "Message[]",
  deltas: "Delta[]",
  history_changed: "boolean",
  server_time: "string",
};
const sentShape: Shape<SentMessage> = {
  arrival: "Arrival",
  session: "Session",
  message: "Message",
  reply: "Message|null",
  server_time: "string",
};
const historyShape: Shape<History> = { sessions: "Session[]", next_cursor: "string|null", server_time: "string" };
const matchShape: Shape<Match> = { session: "Session", excerpt: "string" };
const foundShape: Shape<Found> = { matches: "Match[]", complete: "boolean", server_time: "string" };
const transcriptShape: Shape<Transcript> = {
  session: "Session",
  messages: "Message[]",
  next_before: "integer|null",
  server_time: "string",
};
const startShape: Shape<StartSession> = { scope: "string?" };
const sendShape: Shape<SendMessage> = {
  scope: "string?",
  content: "string",
  key: "string",
  session: "string?",
  reader: "string?",
};
const changeShape: Shape<ChangeSession> = { title: "string?", pinned: "boolean?", archived: "boolean?" };
const errorShape: Shape<ErrorBody> = { code: "string", message: "string", field: "string|null" };
const conflictShape: Shape<Conflict> = {
  code: "string",
  message: "string",
  field: "null",
  session: "Session",
  current: "Session|null",
  running: "Message|null",
};
const heldShape: Shape<Held> = {
  code: "string",
  message: "string",
  field: "null",
  held: "integer",
  erased: "integer",
};

const SHAPES: Record<string, Record<string, string>> = {
  Session: sessionShape,
  Message: messageShape,
  Arrival: arrivalShape,
  CurrentSession: currentShape,
  OpenedSession: openedShape,
  SessionState: stateShape,
  SessionReply: replyShape,
  Delta: deltaShape,
  Updates: updatesShape,
  SentMessage: sentShape,
  History: historyShape,
  Match: matchShape,
  Found: foundShape,
  Transcript: transcriptShape,
  StartSession: startShape,
  SendMessage: sendShape,
  ChangeSession: changeShape,
  Error: errorShape,
  Conflict: conflictShape,
  Held: heldShape,
};

const ENUMS: Record<string, readonly string[]> = {
  "Session.state": SESSION_STATES,
  "Message.role": ROLES,
  "Message.state": MESSAGE_STATES,
  "Arrival.status": ARRIVAL_STATUSES,
  "Error.code": ERROR_CODES,
  "Conflict.code": CONFLICT_CODES,
  "Held.code": ["sessions_held"],
};

/** JSON imports widen enumerations to strings; everything else must fit. */
type Loose<T> = T extends string
  ? string
  : T extends (infer Item)[]
    ? Loose<Item>[]
    : T extends Record<string, never> | Record<string, unknown>
      ? unknown extends T[string]
        ? object
        : { [K in keyof T]: Loose<T[K]> }
      : T extends object
        ? { [K in keyof T]: Loose<T[K]> }
        : T;

ended.body satisfies Loose<Conflict>;
inProgress.body satisfies Loose<Conflict>;
nothingToRetry.body satisfies Loose<Conflict>;
current.body satisfies Loose<CurrentSession>;
resumed.body satisfies Loose<CurrentSession>;
invalid.body satisfies Loose<ErrorBody>;
usePolling.body satisfies Loose<ErrorBody>;
tooManyStreams.body satisfies Loose<ErrorBody>;
found.body satisfies Loose<Found>;
held.body satisfies Loose<Held>;
history.body satisfies Loose<History>;
reopened.body satisfies Loose<OpenedSession>;
started.body satisfies Loose<OpenedSession>;
sent.body satisfies Loose<SentMessage>;
session.body satisfies Loose<SessionState>;
read.body satisfies Loose<SessionState>;
stopped.body satisfies Loose<SessionReply>;
retried.body satisfies Loose<SessionReply>;
for (const { body } of [first, delta, answered, expired]) body satisfies Loose<Updates>;
transcript.body satisfies Loose<Transcript>;

interface Schema {
  $ref?: string;
  type?: string | string[];
  enum?: string[];
  oneOf?: Schema[];
  items?: Schema;
  required?: string[];
  properties?: Record<string, Schema>;
}
interface Operation {
  operationId: string;
  responses: Record<string, { $ref?: string; content?: Record<string, { schema: Schema }> }>;
}
interface Contract {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Operation["responses"][string]> };
}

const contract = parse(readFileSync("../django_chat_sessions/api/openapi.yaml", "utf8")) as Contract;
const { schemas, responses } = contract.components;
const operations = Object.values(contract.paths).flatMap((path) =>
  Object.values(path).filter((part) => part.operationId !== undefined),
);

function kindOf(schema: Schema): string {
  if (schema.oneOf !== undefined) return schema.oneOf.map(kindOf).join("|");
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split("/").at(-1) ?? "";
    return schemas[name]?.type === "object" ? name : kindOf(schemas[name] ?? {});
  }
  if (schema.enum !== undefined) return "string";
  if (schema.type === "array") return `${kindOf(schema.items ?? {})}[]`;
  return Array.isArray(schema.type) ? schema.type.join("|") : String(schema.type);
}

function shapeOf({ properties = {}, required = [] }: Schema): Record<string, string> {
  const fields = Object.entries(properties);
  return Object.fromEntries(
    fields.map(([name, field]) => [name, kindOf(field) + (required.includes(name) ? "" : "?")]),
  );
}

/** Where `value` is not of this shape: a list of sentences, empty when it fits. */
function misfits(value: unknown, kind: string, at: string): string[] {
  if (kind.endsWith("|null")) return value === null ? [] : misfits(value, kind.slice(0, -5), at);
  if (kind.endsWith("[]")) {
    if (!Array.isArray(value)) return [`${at} is no list`];
    return value.flatMap((item, index) => misfits(item, kind.slice(0, -2), `${at}[${index}]`));
  }
  const shape = SHAPES[kind];
  if (shape === undefined) return fitsPlain(value, kind) ? [] : [`${at} is no ${kind}`];
  if (typeof value !== "object" || value === null) return [`${at} is no ${kind}`];
  const names = new Set([...Object.keys(value), ...Object.keys(shape)]);
  return [...names].flatMap((name) => {
    const field = (value as Record<string, unknown>)[name];
    const allowed = ENUMS[`${kind}.${name}`];
    if (shape[name] === undefined) return [`${at}.${name} is unknown`];
    if (allowed !== undefined && !allowed.includes(String(field))) return [`${at}.${name} is ${String(field)}`];
    return misfits(field, shape[name], `${at}.${name}`);
  });
}

function fitsPlain(value: unknown, kind: string): boolean {
  if (kind === "integer") return Number.isInteger(value);
  if (kind === "null") return value === null;
  return typeof value === kind && value !== null;
}

describe("the contract and these types", () => {
  const objects = Object.keys(schemas).filter((name) => schemas[name]?.type === "object");

  it("know the same objects", () => {
    expect(objects.sort()).toEqual(Object.keys(SHAPES).sort());
  });

  it.each(Object.keys(SHAPES))("agree on every field of %s", (name) => {
    expect(shapeOf(schemas[name] ?? {})).toEqual(SHAPES[name]);
  });

  it("agree on every enumeration", () => {
    const found = objects.flatMap((name) =>
      Object.entries(schemas[name]?.properties ?? {}).flatMap(([field, { enum: values }]) =>
        values === undefined ? [] : [[`${name}.${field}`, values] as const],
      ),
    );
    expect(Object.fromEntries(found)).toEqual(ENUMS);
  });

  it("agree on the operations", () => {
    // Files are fetched by links, and the account's own page erases.
    const others = ["getContract", "exportSession", "exportSessions", "eraseSessions"];
    const ids = operations.map(({ operationId }) => operationId).filter((id) => !others.includes(id));
    const { baseUrl: _, streamUpdates: __, ...methods } = createApiClient({ baseUrl: "/chat" });
    expect(Object.keys(methods).sort()).toEqual(ids.sort());
  });
});

describe("the example payloads", () => {
  const folder = "../tests/contract";
  const examples = readdirSync(folder).filter((name) => name.endsWith(".json"));

  it.each(examples)("%s fits the types", (name) => {
    const example = JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));
    const operation = operations.find(({ operationId }) => operationId === example.operation);
    const given = operation?.responses[example.status];
    const response = given?.$ref === undefined ? given : responses[given.$ref.split("/").at(-1) ?? ""];
    const schema = response?.content?.["application/json"]?.schema;
    expect(schema, `${example.operation} ${example.status}`).toBeDefined();
    expect(misfits(example.body, kindOf(schema ?? {}), "body")).toEqual([]);
  });

  it("would be refused with a field too many, too few or of the wrong kind", () => {
    const { id: _, ...rest } = session.body.session;
    const wrong = { ...rest, running: "yes", state: "asleep", colour: "red" };
    expect(misfits(wrong, "Session", "s").sort()).toEqual([
      "s.colour is unknown",
      "s.id is no string",
      "s.running is no boolean",
      "s.state is asleep",
    ]);
  });
});
