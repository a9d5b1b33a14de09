// Looks at the package as npm would publish it: what is in it, how it resolves, and whether a host's compiler finds
// the types. `npm run build` first.
import { execFileSync } from "node:child_process";
import { globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const PACKAGE = resolve(import.meta.dirname, "..");
const FOLDER = join(PACKAGE, "node_modules/.cache/packed");
const HOST = join(FOLDER, "host");
const INSTALLED = join(HOST, "node_modules/django-chat-sessions");
const NEVER_PUBLISHED = /(^|[/\\])(testing|node_modules)[/\\]|\.test\./;
const OF_THE_BROWSER = /^(react|ui|markdown)[/\\]index\.js$/;

const { exports } = JSON.parse(readFileSync(join(PACKAGE, "package.json"), "utf8"));

rmSync(FOLDER, { recursive: true, force: true });
mkdirSync(INSTALLED, { recursive: true });
const tarball = join(FOLDER, pack());
execFileSync("tar", ["-xzf", tarball, "-C", INSTALLED, "--strip-components=1"]);
checkFiles();
tool("publint", "run", "--strict", tarball);
tool("attw", tarball, "--profile", "esm-only", "--format", "ascii");
for (const [module, moduleResolution] of [
  ["esnext", "bundler"],
  ["node16", "node16"],
  ["nodenext", "nodenext"],
]) {
  compileHost(module, moduleResolution);
}
console.log("Packed well: files, entries and types.");

function pack() {
  // A shell, because npm is a script with another ending on Windows.
  const command = `npm pack --ignore-scripts --silent --json --pack-destination "${FOLDER}"`;
  const [packed] = Object.values(JSON.parse(execFileSync(command, { cwd: PACKAGE, shell: true, encoding: "utf8" })));
  return packed.filename;
}

/** Silent when all is well. */
function tool(name, ...options) {
  try {
    execFileSync(process.execPath, [join(PACKAGE, "node_modules", binaryOf(name)), ...options], { encoding: "utf8" });
  } catch (error) {
    throw new Error(`${name} found something:\n${error.stdout}${error.stderr}`);
  }
}

function binaryOf(name) {
  const owner = { attw: "@arethetypeswrong/cli", tsc: "typescript" }[name] ?? name;
  const { bin } = JSON.parse(readFileSync(join(PACKAGE, "node_modules", owner, "package.json"), "utf8"));
  return join(owner, typeof bin === "string" ? bin : bin[name]);
}

function checkFiles() {
  const files = globSync("**/*.*", { cwd: INSTALLED });
  const strangers = files.filter((file) => NEVER_PUBLISHED.test(file));
  const placed = files.filter((file) => readFileSync(join(INSTALLED, file), "utf8").includes(resolve(PACKAGE, "..")));
  const dist = join(INSTALLED, "dist");
  const unmarked = globSync("*/index.js", { cwd: dist }).filter(
    (file) => readFileSync(join(dist, file), "utf8").startsWith('"use client";') !== OF_THE_BROWSER.test(file),
  );
  refuse("Not to be published", strangers);
  refuse("Names a folder of this machine", placed);
  refuse('Has "use client" though it is for servers too, or lacks it', unmarked);
}

function refuse(complaint, files) {
  if (files.length > 0) throw new Error(`${complaint}: ${files.join(", ")}`);
}

/** A host that imports every entry, with the strictest compiler that looks into our declarations too. */
function compileHost(module, moduleResolution) {
  const names = Object.keys(exports).filter((name) => !/\.(css|json)$/.test(name));
  const lines = names.map((name, index) => `export * as part${index} from "django-chat-sessions${name.slice(1)}";`);
  const options = {
    ...{ module, moduleResolution, target: "es2022", lib: ["es2023", "dom", "dom.iterable"] },
    ...{ strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true, types: [] },
  };
  writeFileSync(join(HOST, "package.json"), '{ "type": "module" }');
  writeFileSync(join(HOST, "host.ts"), `${lines.join("\n")}\nimport "django-chat-sessions/ui.css";\n`);
  writeFileSync(join(HOST, "tsconfig.json"), JSON.stringify({ compilerOptions: options, files: ["host.ts"] }));
  tool("tsc", "--project", HOST);
}
