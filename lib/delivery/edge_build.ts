/**
 * Builds the runtime of edge functions from its sources, with esbuild: for who runs supamigrate from
 * its repository. The npm package carries it built.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { resolveLikeDeno } from "./esbuild.ts";

/**
 * Builds the runtime.
 *
 * @returns A module that serves the migrations in `MIGRATIONS`.
 */
export async function buildEdgeRuntime(): Promise<string> {
  const { build, stop } = await import("esbuild");
  try {
    const { outputFiles } = await build({
      entryPoints: [fileURLToPath(new URL("../edge/main.ts", import.meta.url))],
      bundle: true,
      write: false,
      format: "esm",
      platform: "neutral",
      mainFields: ["module", "main"],
      target: "es2022",
      minify: true,
      // Replies name the classes of errors.
      keepNames: true,
      legalComments: "none",
      logLevel: "silent",
      plugins: [resolveLikeDeno()],
    });
    return outputFiles[0]!.text;
  } finally {
    await stop();
  }
}
