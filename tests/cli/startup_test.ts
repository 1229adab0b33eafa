import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

interface Graph {
  readonly roots: readonly string[];
  readonly redirects: Record<string, string>;
  readonly modules: readonly {
    readonly specifier: string;
    readonly dependencies?: readonly {
      readonly specifier: string;
      readonly code?: { readonly specifier: string };
      readonly isDynamic?: boolean;
    }[];
  }[];
}

async function readGraph(entry: string): Promise<Graph> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", fileURLToPath(new URL(`../../${entry}`, import.meta.url))],
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** What is loaded before any dynamic import. */
function loadedAtStart(graph: Graph): string[] {
  const modules = new Map(graph.modules.map((module) => [module.specifier, module]));
  const seen = new Set<string>();
  const visit = (specifier: string) => {
    const resolved = graph.redirects[specifier] ?? specifier;
    if (seen.has(resolved)) return;
    seen.add(resolved);
    for (const { code, isDynamic } of modules.get(resolved)?.dependencies ?? []) {
      if (code !== undefined && !isDynamic) visit(code.specifier);
    }
  };
  graph.roots.forEach(visit);
  return [...seen];
}

for (const entry of ["cli.ts", "mod.ts"]) {
  Deno.test(`${entry} loads supabase-js, PGlite, the parser and SQL only when they are used`, async () => {
    const loaded = loadedAtStart(await readGraph(entry));
    assert(loaded.length > 10, "the graph was read");
    const heavy = loaded.filter((module) =>
      /supabase-js|pglite|libpg-query|npm:\/?postgres@|\.sql$/.test(module)
    );
    assert.deepEqual(heavy, []);
  });
}

Deno.test("the library does not load node:fs before a folder is used", async () => {
  const loaded = loadedAtStart(await readGraph("mod.ts"));
  assert.deepEqual(loaded.filter((module) => /^node:fs/.test(module)), []);
});

Deno.test("no task asks for every permission", () => {
  for (const [name, task] of Object.entries(manifest.tasks)) {
    if (!name.startsWith("migrate")) continue;
    assert.doesNotMatch(task, /(^| )(-A|--allow-all)/, name);
    // From its sources the runtime of edge functions is built by esbuild, a program.
    if (name !== "migrate:bundle") assert.doesNotMatch(task, /(^| )--allow-run/, name);
  }
});

Deno.test("each task has WebAssembly compiled once: the parser takes half the memory", () => {
  for (const [name, task] of Object.entries(manifest.tasks)) {
    if (/cli\.ts/.test(task) && !/deno check|help$/.test(task)) {
      assert.match(task, /^deno run --v8-flags=--liftoff-only /, name);
    }
  }
});

Deno.test("a first start in a clone downloads nothing that tests bring for themselves", async () => {
  const { specifiers } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.lock", import.meta.url)),
  );
  const known = new Set<string>(Object.values(manifest.imports));
  assert.deepEqual(Object.keys(specifiers).filter((name) => !known.has(name)), []);
});
