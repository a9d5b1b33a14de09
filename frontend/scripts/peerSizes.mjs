// The same page, a chat with nothing more, of other packages: measured as sizes.mjs measures ours. Installs them from
// npm into temporary folders, at the versions named here. `npm run build` first: the last row is ours.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundle } from "./bundle.mjs";
import { printSizes } from "./sizeTable.mjs";

const PEERS = [
  {
    part: "@ai-sdk/react + ai",
    what: "useChat; hooks without an interface",
    versions: { "@ai-sdk/react": "4.0.177", ai: "7.0.173" },
    code: `
      export { useChat } from "@ai-sdk/react";
      export { DefaultChatTransport } from "ai";`,
  },
  {
    part: "@assistant-ui/react",
    what: "a runtime of the AI SDK, a thread and the list of threads; unstyled",
    versions: {
      "@assistant-ui/react": "0.15.21",
      "@assistant-ui/core": "0.3.20",
      "@assistant-ui/store": "0.3.14",
      "@assistant-ui/tap": "0.9.18",
      "@assistant-ui/react-ai-sdk": "1.4.12",
      "@assistant-ui/ai-sdk": "0.0.7",
      "assistant-stream": "0.3.44",
    },
    code: `
      export { AssistantRuntimeProvider, ComposerPrimitive, MessagePrimitive } from "@assistant-ui/react";
      export { ThreadListPrimitive, ThreadPrimitive } from "@assistant-ui/react";
      export { useChatRuntime } from "@assistant-ui/react-ai-sdk";`,
  },
  {
    part: "@chainlit/react-client",
    what: "sessions and messages over socket.io; hooks without an interface",
    versions: { "@chainlit/react-client": "0.3.0", recoil: "0.7.7" },
    code: `
      export { ChainlitAPI, ChainlitContext } from "@chainlit/react-client";
      export { useChatInteract, useChatMessages, useChatSession } from "@chainlit/react-client";
      export { RecoilRoot } from "recoil";`,
  },
  {
    part: "deep-chat-react",
    what: "a styled element; no server side of its own",
    versions: { "deep-chat-react": "2.4.2" },
    code: 'export { DeepChat } from "deep-chat-react";',
  },
  {
    part: "@chatscope/chat-ui-kit-react",
    what: "styled parts without any logic",
    versions: { "@chatscope/chat-ui-kit-react": "2.1.1", "@chatscope/chat-ui-kit-styles": "1.4.0" },
    code: `
      import "@chatscope/chat-ui-kit-styles/dist/default/styles.min.css";
      export { ChatContainer, MainContainer, Message } from "@chatscope/chat-ui-kit-react";
      export { MessageInput, MessageList } from "@chatscope/chat-ui-kit-react";`,
  },
];

async function measure({ part, what, versions, code }) {
  const folder = mkdtempSync(join(tmpdir(), "peer-sizes-"));
  try {
    const manifest = { name: "page", private: true, dependencies: { react: "^19", "react-dom": "^19", ...versions } };
    writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
    const command = "npm install --silent --ignore-scripts --force --no-audit --no-fund";
    execFileSync(command, { cwd: folder, shell: true, stdio: ["ignore", "ignore", "inherit"] });
    return rowOf(`${part} ${versions[part.split(" ")[0]]}`, what, await bundle({ code, folder }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function rowOf(part, what, { first, later, styles }) {
  const rest = later.reduce((sum, { size }) => sum + size, 0);
  const notes = [what, styles > 0 && `${(styles / 1000).toFixed(1)} kB of styles besides`];
  const more = rest > 0 && `${(rest / 1000).toFixed(1)} kB more loaded later`;
  return { part, size: first, what: [...notes, more].filter(Boolean).join("; ") };
}

function measureOurs() {
  const code = `
    import "django-chat-sessions/ui.css";
    export { ChatProvider } from "django-chat-sessions/react";
    export { ChatWidget } from "django-chat-sessions/ui";`;
  return bundle({ code, folder: resolve(import.meta.dirname, "..") });
}

const rows = [];
for (const peer of PEERS) rows.push(await measure(peer));
rows.push(rowOf("django-chat-sessions", "a styled widget, with its logic", await measureOurs()));
if (process.argv.includes("--json")) console.log(JSON.stringify(rows, null, 2));
else printSizes(rows);
