import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The lines of the program's sources that name the console or one of the output streams. */
async function findWriters(): Promise<string[]> {
  const files = (await readdir(`${ROOT}lib`, { recursive: true }))
    .filter((name) => name.endsWith(".ts")).map((name) => `lib/${name}`);
  const found: string[] = [];
  for (const file of ["cli.ts", "mod.ts", ...files]) {
    for (const line of (await readFile(ROOT + file, "utf8")).split("\n")) {
      const code = line.trim().replace(/^(\*|\/\/|\/\*\*).*/, "");
      if (/\bconsole\b|\.std(out|err)\b|\.write\(/.test(code)) found.push(`${file}: ${code}`);
    }
  }
  return found.sort();
}

Deno.test("there is one way to standard output and standard error, and it cleans what it is given", async () => {
  const reporter = "lib/output/terminal.ts: ";
  const writers = await findWriters();
  assert.deepEqual(writers.filter((line) => !line.startsWith(reporter)), [
    "cli.ts: console[name] = (...values) => reporter.passOn(stream, format(...values));",
    "cli.ts: for (const stream of [process.stdout, process.stderr]) {",
    // The log of an edge function: JSON, in which nothing drives a terminal.
    "lib/edge/main.ts: log: (line: string) => globalThis.console.log(line),",
    // What a command before or after a run prints, which is passed on.
    "lib/output/programs.ts: const outputs = [child.stdout, child.stderr].map((stream) => ({",
    // readline shows what is typed.
    "lib/output/prompt.ts: const terminal = createInterface({ input: process.stdin, output: process.stderr });",
    'lib/output/prompt.ts: process.stderr.write("\\n");',
    "lib/output/shell.ts: this.reporter = new Reporter(process.stdout, process.stderr, {",
  ]);
  assert(writers.some((line) => line.startsWith(reporter)), "the search finds something");
});
