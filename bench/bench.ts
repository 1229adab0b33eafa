/**
 * Measures this tool beside others, interleaved and in one run, on a real PostgreSQL behind a real
 * PostgREST. It prints a table of medians for each link and each number of migrations.
 *
 *     deno task bench --migrations 100,1000 --rounds 3 --links 0,40 --server 17
 *
 * @module
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { INSTALL_SQL } from "../lib/database/bootstrap.ts";
import { type Stack, startStack } from "../tests/support/stack.ts";
import { type Contender, CONTENDERS, makeMigration, type Reach } from "./contenders.ts";
import { openLink } from "./link.ts";
import { measure, type Measured, median } from "./measure.ts";

/** What is measured of a tool. */
interface Times {
  readonly apply: Measured[];
  readonly nothing: Measured[];
  readonly one: Measured[];
}

/** What a bench is made of. */
export interface BenchOptions {
  readonly migrations: readonly number[];
  readonly rounds: number;
  /** Round trips of links, in milliseconds; 0 is the loopback itself. */
  readonly links: readonly number[];
  readonly major: Stack["major"];
  /** Tools whose name has this in it. */
  readonly only?: string;
}

/**
 * Runs the bench.
 *
 * @param options What is measured.
 * @param print Takes the lines of its tables, as Markdown.
 */
export async function bench(options: BenchOptions, print: (line: string) => void): Promise<void> {
  const contenders = CONTENDERS.filter(({ name }) => name.includes(options.only ?? ""));
  await using stack = await startStack({ major: options.major });
  for (const link of options.links) {
    for (const count of options.migrations) {
      const times = new Map<Contender, Times>(
        contenders.map((one) => [one, { apply: [], nothing: [], one: [] }]),
      );
      for (let round = 0; round < options.rounds; round++) {
        // Each in turn, so that a slow minute of the machine is everybody's.
        for (const [contender, of] of times) await runOne(stack, contender, { count, link }, of);
      }
      printTable({ count, link, ...options }, times, print);
    }
  }
}

async function runOne(
  stack: Stack,
  contender: Contender,
  { count, link }: { count: number; link: number },
  times: Times,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  try {
    await using project = await stack.createProject({ setup: INSTALL_SQL });
    await using resources = new AsyncDisposableStack();
    const through = async (address: string): Promise<string> => {
      if (link === 0) return address;
      const url = new URL(address);
      url.port = String(resources.use(await openLink(Number(url.port), link)).port);
      return url.href.replace(/\/$/, "");
    };
    const reach: Reach = {
      databaseUrl: await through(project.databaseUrl),
      url: await through(project.url),
      serviceKey: project.serviceKey,
    };
    await contender.write(folder, Array.from({ length: count }, (_, i) => makeMigration(i + 1)));
    const command = await contender.command(folder, reach);
    times.apply.push(await measure(command));
    if (!contender.hasHistory) return;
    times.nothing.push(await measure(command));
    await contender.write(folder, [makeMigration(count + 1)]);
    times.one.push(await measure(command));
  } finally {
    await rm(folder, { recursive: true });
  }
}

function printTable(
  { count, link, major, rounds }: { count: number; link: number; major: number; rounds: number },
  times: ReadonlyMap<Contender, Times>,
  print: (line: string) => void,
): void {
  const middle = (measured: readonly Measured[]) => median(measured.map(({ ms }) => ms));
  const [dbmate] = [...times].filter(([{ name }]) => name === "dbmate").map(([, of]) => of);
  const cell = (of: Times, what: keyof Times) => {
    if (of[what].length === 0) return "";
    const ms = middle(of[what]);
    const ratio = dbmate === undefined ? "" : ` (${(ms / middle(dbmate[what])).toFixed(2)} ×)`;
    return `${(ms / 1000).toFixed(2)} s${ratio}`;
  };
  const memory = (of: Times) => {
    const most = Math.max(...of.apply.map(({ bytes }) => bytes ?? 0));
    return most === 0 ? "" : `${Math.round(most / 2 ** 20)} MB`;
  };
  print("");
  print(
    `${count} migrations, ${link === 0 ? "loopback" : `a link of ${link} ms`}, ` +
      `PostgreSQL ${major}, medians of ${rounds}; in brackets the ratio to dbmate`,
  );
  print("");
  print("| | apply | nothing to do | one more | memory |");
  print("| --- | --- | --- | --- | --- |");
  for (const [{ name }, of] of times) {
    print(
      `| ${name} | ${cell(of, "apply")} | ${cell(of, "nothing")} | ${cell(of, "one")} | ${
        memory(of)
      } |`,
    );
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      migrations: { type: "string", default: "100,1000" },
      rounds: { type: "string", default: "3" },
      links: { type: "string", default: "0" },
      server: { type: "string", default: "17" },
      only: { type: "string", default: "" },
    },
  });
  const list = (text: string) => text.split(",").map(Number);
  await bench({
    migrations: list(values.migrations),
    links: list(values.links),
    rounds: Number(values.rounds),
    major: values.server === "15" ? 15 : 17,
    only: values.only,
    // deno-lint-ignore no-console -- the bench's output
  }, (line) => console.log(line));
}
