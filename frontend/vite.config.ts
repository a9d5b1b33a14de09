import { globSync, readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The stylesheet is published as it is written; the host's own build adapts it. */
const stylesheet: Plugin = {
  name: "stylesheet",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "ui.css", source: readFileSync("src/ui/ui.css", "utf8") });
    // Since TypeScript 6 an import for its effect alone must resolve too.
    this.emitFile({ type: "asset", fileName: "ui.css.d.ts", source: "export {};\n" });
  },
};

/** Frameworks with server components must know where the browser's side begins. */
const CLIENT_ENTRIES = /^(react|ui|markdown)\/index$/;

export default defineConfig({
  plugins: [stylesheet],
  build: {
    lib: {
      entry: globSync(["src/*/index.{ts,tsx}", "src/words/??.ts"]),
      formats: ["es"],
    },
    target: "es2022",
    minify: false,
    rolldownOptions: {
      external: [/^react($|\/)/, /^react-dom($|\/)/],
      output: {
        preserveModules: true,
        preserveModulesRoot: "src",
        entryFileNames: "[name].js",
        banner: ({ name }) => (CLIENT_ENTRIES.test(name) ? '"use client";' : ""),
      },
    },
  },
});
