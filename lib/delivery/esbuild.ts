/** How esbuild finds what the sources import. @module */

import type { Plugin } from "esbuild";
import { createRequire, isBuiltin } from "node:module";
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
        // What it has for require() hides from esbuild which files of its own it takes.
        return { path: path === "jsonc-parser" ? found.replace("/umd/", "/esm/") : found };
      });
    },
  };
}
