import { defineConfig } from "vite";

export default defineConfig({
  // Where Django serves what is built here.
  base: "/static/xp/",
  // The package is linked: without this it could bring a second React along.
  resolve: { dedupe: ["react", "react-dom"] },
  build: {
    manifest: true,
    rolldownOptions: { input: ["src/main.tsx", "src/gallery/main.tsx"] },
    cssTarget: ["chrome123", "safari17.5", "firefox121"],
  },
});
