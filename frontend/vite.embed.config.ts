import { defineConfig } from "vite";

/** One self-mounting file and its stylesheet, React included, for pages without a build step. */
export default defineConfig({
  define: { "process.env.NODE_ENV": JSON.stringify("production") },
  build: {
    outDir: "../django_chat_sessions/static/django_chat_sessions",
    emptyOutDir: false,
    copyPublicDir: false,
    lib: {
      entry: "src/embed/main.tsx",
      formats: ["iife"],
      name: "djangoChatSessions",
      fileName: () => "chat-sessions.js",
      cssFileName: "chat-sessions",
    },
    target: "es2022",
    cssTarget: ["chrome123", "safari17.5", "firefox121"],
  },
});
