import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

const REACT = [/^react($|\/)/, /^react-dom($|\/)/];

const gzipped = (content) => gzipSync(content, { level: 9 }).length;
// A library keeps them for the build of an application, whose output has none.
const withoutAnnotations = (code) => code.replaceAll("/* @__PURE__ */", "");
const sizeOf = ({ code }) => gzipped(withoutAnnotations(code));
const isChunk = ({ type }) => type === "chunk";
const isStylesheet = ({ fileName }) => fileName.endsWith(".css");
const total = (sizes) => sizes.reduce((sum, size) => sum + size, 0);

/**
 * The bytes that a host's page gets of `code`, minified and gzipped file by file, without React: those of the first
 * load, and those that a dynamic import brings later, by name. `folder` is where the imports are looked for.
 */
export async function bundle({ code, folder, external = [] }) {
  const files = await outputOf({ code, folder, external });
  const chunks = files.filter(isChunk);
  const first = firstLoad(chunks);
  const later = chunks.filter((chunk) => !first.has(chunk.fileName));
  return {
    first: total(chunks.filter((chunk) => first.has(chunk.fileName)).map(sizeOf)),
    later: later.map((chunk) => ({ name: chunk.name, size: sizeOf(chunk) })),
    styles: total(files.filter(isStylesheet).map(({ source }) => gzipped(source))),
  };
}

async function outputOf({ code, folder, external }) {
  const entry = join(folder, "size-of-page.js");
  const page = {
    name: "page",
    enforce: "pre",
    resolveId: (source) => (source === entry ? entry : null),
    load: (id) => (id === entry ? code : null),
  };
  const [{ output }] = await build({
    configFile: false,
    root: folder,
    logLevel: "error",
    plugins: [page],
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      write: false,
      target: "es2022",
      cssTarget: ["chrome123", "safari17.5", "firefox121"],
      minify: true,
      cssMinify: true,
      // As a library, because an application's exports would be thrown away, and what they need with them.
      lib: { entry, formats: ["es"], fileName: "page", cssFileName: "page" },
      rolldownOptions: {
        external: [...REACT, ...external],
        output: { minify: true },
        // As in an application, what several chunks need stays in the first one.
        preserveEntrySignatures: "allow-extension",
      },
    },
  });
  return output;
}

/** The entry and everything it imports statically. */
function firstLoad(chunks) {
  const byName = new Map(chunks.map((chunk) => [chunk.fileName, chunk]));
  const found = new Set();
  const visit = (name) => {
    if (found.has(name) || !byName.has(name)) return;
    found.add(name);
    byName.get(name).imports.forEach(visit);
  };
  for (const chunk of chunks) if (chunk.isEntry) visit(chunk.fileName);
  return found;
}
