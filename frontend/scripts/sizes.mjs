// What a host's page loads of each part: minified, gzipped (level 9), React not counted. 1 kB is 1000 bytes.
// `npm run build` first: what is measured is the package as it is published.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { bundle } from "./bundle.mjs";
import { printSizes } from "./sizeTable.mjs";

const PACKAGE = resolve(import.meta.dirname, "..");
const EMBEDDED = resolve(PACKAGE, "../django_chat_sessions/static/django_chat_sessions");

const BUDGETS = { core: 10_600, react: 2500, ui: 9000, stylesheet: 4000, widget: 20_000 };

const without = (...folders) => folders.map((folder) => new RegExp(`/dist/${folder}/`));
const ours = (code, external) => bundle({ code, folder: PACKAGE, external });
const everything = ({ first, later }) => first + later.reduce((sum, { size }) => sum + size, 0);
const embedded = (file) => gzipSync(readFileSync(join(EMBEDDED, file)), { level: 9 }).length;

const CORE = 'export { createApiClient, createChatStore } from "django-chat-sessions";';
const HOOKS = 'export * from "django-chat-sessions/react";';
const PARTS = 'export { ChatWidget, SessionStatus } from "django-chat-sessions/ui";';
const STYLESHEET = 'import "django-chat-sessions/ui.css";';
const WIDGET = `
  export { ChatProvider } from "django-chat-sessions/react";
  export { ChatWidget } from "django-chat-sessions/ui";`;

const row = (part, what, size) => ({ part, what, size, budget: BUDGETS[part] ?? null });
const laterRows = (part, { later }) => later.map(({ name, size }) => row(`${part}: ${name}`, "loaded later", size));

async function measure() {
  const core = await ours(CORE);
  const hooks = await ours(HOOKS, without("core"));
  const parts = await ours(PARTS, without("core", "react"));
  const { styles } = await ours(STYLESHEET);
  const widget = await ours(WIDGET);
  return [
    row("core", "createApiClient and createChatStore", core.first),
    ...laterRows("core", core),
    row("react", "the provider and all hooks", hooks.first),
    row("ui", "ChatWidget and SessionStatus", parts.first),
    ...laterRows("ui", parts),
    ...(await optionalParts()),
    row("stylesheet", "ui.css", styles),
    row("widget", "ChatProvider and ChatWidget, with all they need", widget.first),
    row("everything", "the widget, what it loads later, and ui.css", everything(widget) + styles),
    row("embedded bundle", "with React", embedded("chat-sessions.js")),
    row("embedded stylesheet", "", embedded("chat-sessions.css")),
  ];
}

/** What a host may import besides, on top of the widget. */
async function optionalParts() {
  const { exports } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));
  const known = [".", "./react", "./ui", "./ui.css", "./package.json"];
  const names = Object.keys(exports).filter((name) => !known.includes(name));
  const rows = names.map(async (name) => {
    const part = name.slice(2);
    const isStylesheet = part.endsWith(".css");
    const code = `${isStylesheet ? "import" : "export * from"} "django-chat-sessions/${part}";`;
    const measured = await ours(code, without("core", "react", "ui"));
    return row(part, "only where it is imported", isStylesheet ? measured.styles : everything(measured));
  });
  return Promise.all(rows);
}

const rows = await measure();
if (process.argv.includes("--json")) console.log(JSON.stringify(rows, null, 2));
else printSizes(rows);
const isOver = ({ size, budget }) => budget !== null && size > budget;
if (rows.some(isOver)) {
  console.error(
    `Over the budget: ${rows
      .filter(isOver)
      .map(({ part }) => part)
      .join(", ")}.`,
  );
  process.exitCode = 1;
}
