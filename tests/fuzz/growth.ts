/**
 * Measures how the time to read a migration file grows with its size.
 *
 *     deno task bench:parser
 *
 * Each shape is read in a process of its own, at four sizes up to 10 MB, from the text to the
 * statements as `migrate` takes them. The exponent says by which power of the size the time grows:
 * 1 is linear, 2 would be quadratic. At the end the whole command plans a file of 10 MB.
 *
 * @module
 */

import { cpuUsage } from "node:process";
import { MigrationFileError } from "../../lib/errors.ts";
import { loadMigrations } from "../../lib/operations/source.ts";
import { splitStatements } from "../../lib/planning/statements.ts";
import { Workspace } from "../support/cli.ts";

const MB = 1_000_000;
const sizes = [1.25, 2.5, 5, 10].map((size) => size * MB);

/** As many of something as make up a size. */
const fill = (size: number, text: string) => text.repeat(Math.ceil(size / text.length));

/** The shapes: each is one of the things that a parser may stumble over, over and over. */
const shapes: Record<string, (size: number) => string> = {
  "statements of 9 characters": (size) => fill(size, "select 1;"),
  "INSERT statements": (size) => fill(size, "insert into a (b, c) values (1, 'it''s; é');\n"),
  "one INSERT of many rows": (size) =>
    `insert into a values ${fill(size, "(1, 'it''s', null), ")}(2, 'a', null);`,
  "one line": (size) => fill(size, "select 'a', $$b$$, E'\\''; /* c */ "),
  "a string": (size) => `select '${fill(size, "it''s; -- ROLLBACK\n")}';`,
  "an E string": (size) => `select E'${fill(size, "it\\'s; \\\\\n")}';`,
  "a string of many parts": (size) => `select 'a'${fill(size, " -- it's\n 'a'")};`,
  "a body": (size) => `do $$ begin ${fill(size, "perform 1; -- ROLLBACK\n")} end $$;`,
  "a body full of other tags": (size) => `do $a$ ${fill(size, "$b$ $ab$ $$ $a ")}$a$;`,
  "a comment block": (size) => `/* ${fill(size, "it's\n-- ROLLBACK\n")} */ select 1;`,
  "comment blocks inside each other": (size) =>
    `${fill(size / 2, "/* ")}${fill(size / 2, "*/ ")}select 1;`,
  "line comments": (size) => `select 1;\n${fill(size, "-- it's a comment\n")}`,
  "a line comment": (size) => `-- ${fill(size, "a rollback b ")}\nselect 1;`,
  "dashes": (size) => `${fill(size, "-")}\nselect 1;`,
  "semicolons": (size) => fill(size, ";"),
  "blank lines": (size) => `select 1;${fill(size, "\n")}-- ROLLBACK\nselect 2;`,
  "white space inside a statement": (size) => `select${fill(size, " \n")}1 ;`,
  "white space behind E strings": (size) => `select 1${fill(size, ", E''  \n \n ")};`,
  "quotes that do not end": (size) => fill(size, "select 'it''s\n\"a ") + "'",
  "dollars that open nothing": (size) => fill(size, "$a $1 $ "),
  "tags that do not end": (size) => fill(size, "$a$ "),
  "comment blocks that do not end": (size) => fill(size, "/* "),
  "parentheses that do not end": (size) => `select ${fill(size, "(")}`,
  "nearly banners": (size) => `select 1;\n${fill(size, "-- down\n")}`,
  "lines around banners": (size) => `select 1;\n${fill(size, "-- ====\n")}-- ROLLBACK\nselect 2;`,
  "COPY without end": (size) => `${fill(size, "copy a from b\n")};${fill(size, "copy a to 'b';")}x`,
  "a mistake in the last statement": (size) => `${fill(size, "select 'é😀';\n")}select frm x y;`,
  "a BEGIN ATOMIC body": (size) =>
    `create function f() returns int begin atomic ${
      fill(size, "select case 1 when 2 then 3 end; ")
    }end;`,
};

/** How much time of a processor a file takes, whatever else is at work, and what comes of it. */
async function measure(text: string): Promise<{ ms: number; outcome: string }> {
  const before = cpuUsage();
  let outcome: string;
  try {
    const { migrations: [migration] } = await loadMigrations({ "001_a.sql": text });
    const { statements } = await splitStatements(migration!.forward, migration!.name);
    if (migration!.rollback !== null) await splitStatements(migration!.rollback, migration!.name);
    outcome = `${statements.length} statements`;
  } catch (error) {
    if (!(error instanceof MigrationFileError)) throw error;
    outcome = `refused: ${error.message.slice(0, 40).replaceAll("\n", " ")}`;
  }
  const { user, system } = cpuUsage(before);
  return { ms: (user + system) / 1000, outcome };
}

/** The slope of the line through the points, both on a logarithmic scale. */
function exponent(points: readonly (readonly [size: number, ms: number])[]): number {
  const logs = points.map(([size, ms]) => [Math.log(size), Math.log(ms)] as const);
  const mean = (of: 0 | 1) => logs.reduce((sum, log) => sum + log[of], 0) / logs.length;
  const [x, y] = [mean(0), mean(1)];
  const over = logs.reduce((sum, log) => sum + (log[0] - x) * (log[1] - y), 0);
  return over / logs.reduce((sum, log) => sum + (log[0] - x) ** 2, 0);
}

async function measureShape(name: string): Promise<void> {
  const make = shapes[name]!;
  await measure(make(10_000)); // loads the parser
  const points: [number, number][] = [];
  let last = "";
  for (const size of sizes) {
    const { ms, outcome } = await measure(make(size));
    points.push([size, ms]);
    last = outcome;
  }
  const [largest, ms] = points.at(-1)!;
  console.log([
    name.padEnd(34),
    ...points.map(([, ms]) => ms.toFixed(0).padStart(7)),
    (largest / MB / (ms / 1000)).toFixed(1).padStart(7),
    exponent(points).toFixed(2).padStart(6),
    ` ${last}`,
  ].join(" "));
}

/** The whole command, on the embedded database. */
async function measureDryRun(): Promise<void> {
  const sql = `create table a (b int, c text);\n${
    fill(10 * MB, "insert into a (b, c) values (1, 'it''s; é');\n")
  }`;
  await using workspace = await Workspace.create({ "001_a.sql": sql });
  await workspace.run(["status"]);
  const started = performance.now();
  const { code, stdout, stderr } = await workspace.run(["migrate", "--dry-run"]);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  if (code !== 0) throw new Error(stderr);
  console.log(
    `migrate --dry-run, 10 MB of INSERT statements: ${seconds} s, ${stdout.length} characters`,
  );
}

if (Deno.args.length > 0) {
  await measureShape(Deno.args[0]!);
} else {
  const head = [
    "ms at MB:",
    ...sizes.map((size) => `${size / MB}`.padStart(7)),
    "   MB/s",
    " power",
  ];
  console.log([head[0]!.padEnd(34), ...head.slice(1)].join(" "));
  for (const name of Object.keys(shapes)) {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--allow-all", "--no-check", import.meta.filename!, name],
      stdout: "inherit",
      stderr: "inherit",
    }).spawn().status;
    if (!success) Deno.exitCode = 1;
  }
  await measureDryRun();
}
