/** Asks as the commands do on a hosted project, which no test can reach. Run on a terminal. */

import { confirmDestruction, confirmUndo } from "../../lib/output/confirm.ts";
import { Reporter } from "../../lib/output/terminal.ts";
import process from "node:process";

const target = { kind: "project", name: "abcdefghijklmnopqrst", url: "https://x" } as const;
const style = { json: false, quiet: false, verbose: false, color: false };
const reporter = new Reporter(process.stdout, process.stderr, style);
const answer = Deno.args[0] === "undo"
  ? await confirmUndo(target, reporter, [{ name: "002_b.sql" }, { name: "001_a.sql" }])
  : await confirmDestruction(target, reporter, "Everything will be gone.");
console.log(answer ? "agreed" : "refused");
