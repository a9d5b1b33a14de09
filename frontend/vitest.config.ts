import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

const REACT_18 = resolve(import.meta.dirname, "react18/node_modules");
/** As modules, so that the alias holds in it, too: what renders must meet the same React as our components. */
const TESTING_LIBRARY = resolve(
  import.meta.dirname,
  "node_modules/@testing-library/react/dist/@testing-library/react.esm.js",
);

export default defineConfig({
  test: {
    environment: "happy-dom",
    // An outer limit: a busy machine has taken nearly the usual five seconds for what takes half a one.
    testTimeout: 30_000,
    coverage: {
      include: ["src/core/**"],
      exclude: ["src/**/*.test.ts", "src/**/index.ts", "src/core/testing/**"],
      thresholds: { branches: 95 },
    },
    projects: [
      { extends: true, test: { name: "newest", include: ["src/**/*.test.{ts,tsx}"] } },
      {
        extends: true,
        resolve: {
          alias: {
            "@testing-library/react": TESTING_LIBRARY,
            react: `${REACT_18}/react`,
            "react-dom": `${REACT_18}/react-dom`,
          },
        },
        test: {
          name: "react 18",
          include: ["src/**/*.test.tsx"],
          server: { deps: { inline: ["@testing-library/react", "react-markdown"] } },
        },
      },
    ],
  },
});
