/** Runs spin on the model and reads what it says. */

import type { Search } from "./searches.ts";

/** The files of the models with their text; the first includes those behind it, but for the last. */
export const model: Readonly<Record<string, string>> = Object.fromEntries(
  await Promise.all(
    ["protocol.pml", "properties.pml", "lock.pml", "session.pml", "outside_transaction.pml"].map(
      async (name) => [
        name,
        await Deno.readTextFile(new URL(name, import.meta.url)),
      ],
    ),
  ),
);

/** What it takes to search. */
export const PROGRAMS: readonly string[] = ["spin", "gcc"];

/** What came of a search. */
export interface Outcome {
  /** The property or goal that was found, `deadlock`, or null where the search found nothing. */
  readonly found: string | null;
  /** How many states were stored. */
  readonly states: number;
  /** The longest path that was followed, in steps. */
  readonly depth: number;
  /** How long the search took, in seconds, without compiling. */
  readonly seconds: number;
  /** How much memory it took, in megabytes. */
  readonly megabytes: number;
  /** The protocol's steps on the shortest path to what was found. */
  readonly trail: readonly string[];
  /** Statements of the model that a search without a find never executed. */
  readonly unreached: readonly string[];
}

/**
 * What a property or a goal means, as the model says where it defines it.
 *
 * @param name Its name in the model.
 * @returns The words.
 */
export function explain(name: string): string {
  const definition = new RegExp(`^#define ${name} \\d+ +/\\* (.+) \\*/$`, "m");
  const words = Object.values(model).map((text) => definition.exec(text)?.[1])
    .find((found) => found !== undefined);
  if (words === undefined) throw new Error(`No model says what ${name} means`);
  return words;
}

/**
 * Searches all states within the bounds, to the end or to the first find.
 *
 * @param search What to search for.
 * @returns What came of it.
 * @throws {Error} The search could not be made, or not to its end.
 */
export async function run(search: Search): Promise<Outcome> {
  const folder = await Deno.makeTempDir({ prefix: "supamigrate-model-" });
  try {
    for (const [name, text] of Object.entries(model)) {
      await Deno.writeTextFile(`${folder}/${name}`, text);
    }
    const macros = search.macros.map((macro) => `-D${macro}`);
    // The shortest way to a find is found breadth first. Where there is none, depth first takes
    // less memory, and each transition is counted; -o3 keeps them apart for that. A find comes
    // early: clearing the usual table of 2^24 entries would take longer than the search.
    const first = search.finds === null
      ? { spin: ["-o3"], gcc: ["-O2", "-DPEG"], pan: ["-m1000000"] }
      : { spin: [], gcc: ["-O0", "-DBFS"], pan: ["-w18"] };
    await call(folder, "spin", ...first.spin, ...macros, "-a", search.model);
    await call(
      folder,
      "gcc",
      ...["-w", "-DSAFETY", "-DNOCLAIM", "-DMEMLIM=8000", ...first.gcc],
      ...["-o", "pan", "pan.c"],
    );
    const pan = `${folder}/pan`;
    const report = await call(folder, pan, ...first.pan);
    return await read(report, {
      replay: () => call(folder, "spin", ...first.spin, ...macros, "-t", "-T", search.model),
      listTransitions: () => call(folder, pan, "-d"),
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function call(cwd: string, program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { cwd, args }).output();
  const output = new TextDecoder().decode(stdout);
  if (code === 0) return output;
  throw new Error(`${program} failed:\n${output}${new TextDecoder().decode(stderr)}`);
}

interface Follow {
  readonly replay: () => Promise<string>;
  readonly listTransitions: () => Promise<string>;
}

async function read(report: string, { replay, listTransitions }: Follow): Promise<Outcome> {
  const number = (pattern: RegExp) => Number(pattern.exec(report)?.[1] ?? NaN);
  const errors = number(/errors: (\d+)/);
  const figures = {
    states: number(/([\d.e+]+) states, stored/),
    depth: number(/depth reached (\d+)/),
    seconds: number(/elapsed time ([\d.]+)/),
    megabytes: number(/([\d.]+)\s+total actual memory usage/),
  };
  if (errors === 0) {
    if (/Search not completed|max search depth too small|out of memory/.test(report)) {
      throw new Error(`The search was not completed:\n${report}`);
    }
    const unreached = findUnreached(report, await listTransitions());
    return { found: null, ...figures, trail: [], unreached };
  }
  const said = /^pan:\d+: (.+?) \(at depth/m.exec(report)?.[1];
  if (said === undefined) throw new Error(`pan does not say what it found:\n${report}`);
  const replayed = await replay();
  return {
    found: said.startsWith("assertion violated") ? findProperty(replayed) : "deadlock",
    ...figures,
    trail: replayed.split("\n").filter((line) => /^(run \d|database|operator):? /.test(line)),
    unreached: [],
  };
}

/** The assertion's line in the model names what it is about. */
function findProperty(replayed: string): string {
  const [place, file, line] = /(\w+\.pml):(\d+), Error: assertion violated/.exec(replayed) ?? [];
  const source = model[file ?? ""]?.split("\n")[Number(line) - 1];
  const name = /(?:never|reached)\((\w+)/.exec(source ?? "")?.[1];
  if (name === undefined) throw new Error(`No property is named where it failed: ${place}`);
  return name;
}

/** Transitions of `pan -d` that `-DPEG` counted no execution of. */
function findUnreached(report: string, transitions: string): string[] {
  const executed = new Set(
    [...report.matchAll(/^\s*\d+\ttrans\s+(\d+) /gm)].map(([, id]) => id),
  );
  // A process that is through waits at (0) for ever, so as not to end.
  return [...transitions.matchAll(/-\(tr\s+(\d+)\)->.*\w+\.pml:\d+ => (.+)$/gm)]
    .filter(([, id, statement]) => !executed.has(id) && !/^(\(0\)|-end-)$/.test(statement!))
    .map(([, , statement]) => statement!);
}
