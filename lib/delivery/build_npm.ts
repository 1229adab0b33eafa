/**
 * Builds the npm package from the sources: `deno task build:npm`, or `… build:npm FOLDER`.
 *
 * What is bundled is one file for the command line and one for the library, with what both share
 * and what is loaded when it is needed beside them. PGlite and the parsers stay packages of their
 * own: they read files of theirs.
 *
 * @module
 */

import { chmod, copyFile, cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import manifest from "../../deno.json" with { type: "json" };
import { buildEdgeRuntime } from "./edge_build.ts";
import { resolveLikeDeno, ROOT } from "./esbuild.ts";

/** What is installed beside the package. */
const EXTERNAL = Object.keys(manifest.imports)
  .filter((name) => name.startsWith("@electric-sql/") || name.startsWith("libpg-query"));

/** The versions of {@linkcode EXTERNAL}, as package.json names them. */
function dependencies(): Record<string, string> {
  const imports: Record<string, string> = manifest.imports;
  return Object.fromEntries(EXTERNAL.map((name) => {
    const [, real, version] = /^npm:(.+)@([^@]+)$/.exec(imports[name]!)!;
    return [name, real === name ? version! : `npm:${real}@${version}`];
  }));
}

function packageJson() {
  return {
    name: "supamigrate",
    version: manifest.version,
    description: "Schema migrations for Supabase over HTTPS alone, with rollback",
    keywords: ["supabase", "migrations", "postgres", "schema", "rollback"],
    license: manifest.license,
    type: "module",
    engines: { node: ">=22.13" },
    bin: { supamigrate: "./lib/cli.js" },
    exports: {
      ".": { types: "./types/mod.d.ts", default: "./lib/mod.js" },
      "./json/*": "./json/*",
      "./package.json": "./package.json",
    },
    dependencies: dependencies(),
  };
}

async function bundle(out: string): Promise<void> {
  const { build, stop } = await import("esbuild");
  try {
    await build({
      entryPoints: [join(ROOT, "cli.ts"), join(ROOT, "mod.ts")],
      // Side by side, as some read files that lie beside them.
      outdir: join(out, "lib"),
      bundle: true,
      splitting: true,
      format: "esm",
      platform: "node",
      mainFields: ["module", "main"],
      target: "node22",
      minify: true,
      // Errors are told apart, and told, by the names of their classes.
      keepNames: true,
      define: { "import.meta.main": "true" },
      banner: {
        // Packages that were written for require() ask for it.
        js: 'import{createRequire as $createRequire}from"node:module";' +
          "const require=$createRequire(import.meta.url);",
      },
      legalComments: "none",
      logLevel: "warning",
      plugins: [resolveLikeDeno([...EXTERNAL, "esbuild"])],
    });
  } finally {
    await stop();
  }
}

/** pg-delta is bundled, and nothing of it is handed out: its types are for nobody to know. */
const FACTS = ["Delta", "Fact", "FactBase", "StableId"]
  .map((name) => `export type ${name} = unknown;\n`).join("");

/** Declarations of what `mod.ts` shows, by TypeScript's own compiler. */
async function declare(out: string): Promise<void> {
  const { default: ts } = await import("typescript");
  const program = ts.createProgram([join(ROOT, "mod.ts")], {
    target: ts.ScriptTarget.ES2024,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ["lib.esnext.d.ts", "lib.dom.d.ts"],
    declaration: true,
    emitDeclarationOnly: true,
    allowImportingTsExtensions: true,
    resolveJsonModule: true,
    outDir: join(out, "types"),
    rootDir: ROOT,
    // Deno has checked the types; what its sources import is found by Deno alone.
    noCheck: true,
    types: [],
  });
  const { diagnostics } = program.emit(undefined, (path, text) => {
    const declared = text.replace(/(from |import\()"(\.[^"]*)\.ts"/g, '$1"$2.js"');
    ts.sys.writeFile(path, path.endsWith("/lib/schema/facts.d.ts") ? FACTS : declared);
  });
  if (diagnostics.length > 0) {
    throw new Error(ts.formatDiagnostics(diagnostics, {
      getCurrentDirectory: () => ROOT,
      getCanonicalFileName: (name) => name,
      getNewLine: () => "\n",
    }));
  }
}

/**
 * Builds the package.
 *
 * @param out The folder that it is built into, which is emptied before.
 */
export async function buildNpm(out: string): Promise<void> {
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await Promise.all([bundle(out), declare(out)]);
  await writeFile(join(out, "lib", "edge.js"), await buildEdgeRuntime());
  await writeFile(join(out, "package.json"), `${JSON.stringify(packageJson(), null, 2)}\n`);
  for (const name of ["README.md", "CHANGELOG.md", "LICENSE"]) {
    await copyFile(join(ROOT, name), join(out, name));
  }
  await cp(join(ROOT, "docs", "json"), join(out, "json"), { recursive: true });
  const cli = join(out, "lib", "cli.js");
  await writeFile(cli, `#!/usr/bin/env node\n${await readFile(cli, "utf8")}`);
  await chmod(cli, 0o755);
}

if (import.meta.main) await buildNpm(process.argv[2] ?? join(ROOT, "npm"));
