import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    coverage: {
      include: ["src/core/**"],
      exclude: ["src/**/*.test.ts", "src/**/index.ts", "src/core/testing/**"],
      thresholds: { branches: 95 },
    },
  },
});
