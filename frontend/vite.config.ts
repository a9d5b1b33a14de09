import { readFileSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

/** The stylesheets are published as they are written; the host's own build adapts them. */
const stylesheets: Plugin = {
  name: "stylesheets",
  generateBundle() {
    for (const path of ["ui/ui.css", "markdown/markdown.css"]) {
      const fileName = path.replace(/.*\//, "");
      this.emitFile({ type: "asset", fileName, source: readFileSync(`src/${path}`, "utf8") });
      // Since TypeScript 6 an import for its effect alone must resolve too.
      this.emitFile({ type: "asset", fileName: `${fileName}.d.ts`, source: "export {};\n" });
    }
  },
};

export default defineConfig({
  plugins: [stylesheets],
  build: {
    lib: {
      entry: [
        ...["src/core/index.ts", "src/react/index.ts", "src/ui/index.ts", "src/markdown/index.ts"],
        ...["src/words/de.ts", "src/words/es.ts", "src/words/fr.ts"],
      ],
      formats: ["es"],
    },
    target: "es2022",
    minify: false,
    rolldownOptions: {
      external: [/^react($|\/)/, /^react-dom($|\/)/, "react-markdown", "remark-gfm"],
      output: { preserveModules: true, preserveModulesRoot: "src", entryFileNames: "[name].js" },
    },
  },
});
