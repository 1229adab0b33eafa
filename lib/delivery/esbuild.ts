/** How esbuild finds what the sources import. @module */

import type { Plugin } from "esbuild";
import { existsSync, readFileSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/**
 * Finds packages where Deno keeps them, which is no folder that esbuild looks into.
 *
 * @param external Packages that are left to be imported.
 */
export function resolveLikeDeno(external: readonly string[] = []): Plugin {
  const isExternal = (path: string) =>
    external.some((name) => path === name || path.startsWith(`${name}/`));
  return {
    name: "resolve like Deno",
    setup: (build) => {
      build.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
        if (kind === "entry-point") return undefined;
        if (isBuiltin(path)) return { path: `node:${path.replace(/^node:/, "")}`, external: true };
        if (isExternal(path)) return { path, external: true };
        const found = importer.startsWith(ROOT)
          ? fileURLToPath(import.meta.resolve(path))
          : createRequire(importer).resolve(path);
        return { path: findModule(path, found) ?? found };
      });
    },
  };
}

/**
 * What an older package has for bundlers. What it has for `require()`, which Deno takes, can hide
 * from esbuild which files of its own it needs.
 *
 * @param name What is imported.
 * @param found What Deno takes.
 * @returns The file; undefined where there is none.
 */
function findModule(name: string, found: string): string | undefined {
  const folder = findPackage(dirname(found));
  if (folder === undefined) return undefined;
  const { name: real, exports, module } = JSON.parse(
    readFileSync(join(folder, "package.json"), "utf8"),
  );
  return real === name && exports === undefined && module !== undefined
    ? join(folder, module)
    : undefined;
}

/** The nearest folder with a `package.json`, if there is one. */
function findPackage(folder: string): string | undefined {
  if (existsSync(join(folder, "package.json"))) return folder;
  const above = dirname(folder);
  return above === folder ? undefined : findPackage(above);
}
