/**
 * What README and docs show: every command and option is one that there is, and every block of code
 * is run as it stands there, or is named below with what runs it instead, or why nothing does.
 */

import assert from "node:assert/strict";
import { parse } from "yaml";
import manifest from "../deno.json" with { type: "json" };
import { loadMigrations } from "../lib/operations/source.ts";
import { splitStatements } from "../lib/planning/statements.ts";
import { createMigrator } from "../mod.ts";
import { type Block, findBlocks, findSpans, readDocuments, splitCommands } from "./support/docs.ts";
import { Workspace } from "./support/cli.ts";
import { startStack } from "./support/stack.ts";
import { readYaml, runShell } from "./support/workflow.ts";

/** Blocks that are not run here, by how they begin, and why. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npx --yes supamigrate init ": "tests/delivery/package_test.ts runs it in the packed package",
  "export SUPABASE_URL=https://": "it needs a hosted project",
  "npx deno task migrate ": "it is this repository's own: CI runs it whole",
  "npx supamigrate adopt --files drizzle":
    "tests/database/adopt.ts has Drizzle's folder and journal",
  "DATABASE_URL='postgresql://postgres.REF": "it needs the pooler of a hosted project",
  "deno run -A cli.ts --json migrate --dir CASE": "CASE stands for a folder; tests/cli runs that",
  "deno task chaos": "it takes minutes to hours; tests/chaos runs shorter ones",
  "deno test --allow-all tests/security": "CI runs it",
  "deno task fuzz": "it takes minutes; tests/fuzz and tests/security run shorter ones",
  "deno task as-psql": "it takes minutes; tests/as_psql runs shorter ones",
  "npx --yes supamigrate diff": "it asks; tests/schema/pull_test.ts has declared files",
  "npx --yes supamigrate squash": "it asks; tests/database/squash.ts has a history",
  "npx deno task check ": "it is CI itself",
  "❌ exposure: anon has USAGE": "it is what doctor prints; tests/database/doctor.ts has it",
  "❌ 002_forgets.sql": "it is what verify prints; its own tests have it",
  "🔒 Locks on tables": "it is what plan --locks prints; its own tests have it",
  "supamigrate migrate": "tests/database/backups.ts and tests/cli/around_test.ts run them",
  "supamigrate backups drop": "tests/database/backups.ts does that",
  "DATABASE_URL=postgresql://… sh": "tests/database/backups.ts restores a dump of its own",
  "Usage:   supamigrate": "tests/cli/help_test.ts holds it to what --help prints",
  "⏳ 2/3 20260301_index.sql": "it is what a terminal shows; tests/cli/terminal_test.ts sees it",
  "npx --yes supamigrate status --diagram": "tests/cli/report_test.ts has a table",
};

/** Lines inside of other blocks that are not run. */
const LINES_NOT_RUN: Readonly<Record<string, string>> = {
  "SUPABASE_ACCESS_TOKEN=sbp_…": "it asks the Management API about a hosted project",
};

/** What a page shows instead of what nobody else is to know. */
const fillIn = (text: string, databaseUrl: string) =>
  text.replace("postgresql://…", `'${databaseUrl}'`).split("\n").filter((line) =>
    !Object.keys(LINES_NOT_RUN).some((begin) => line.startsWith(begin))
  ).join("\n");

/** What looks like an option, and is none of this program's. */
const OF_OTHERS: ReadonlySet<string> = new Set([
  "--allow-net", // Deno's
  "--allow-run", // Deno's
  "--allow-run=pg_dump,pg_restore", // Deno's
  "--break", // of `deno task fuzz`
  "--jsr", // of `deno task check:publish`
  "--no-verify-jwt", // the Supabase CLI's
  "--rollback", // a comment in SQL
]);

const documents = await readDocuments();
const blocks = documents.flatMap(findBlocks);

/** A migration that no rule has anything to say about. */
const NOTES = `create table public.notes (id bigint generated always as identity primary key);
alter table public.notes enable row level security;
create policy "Everybody reads" on public.notes for select to anon, authenticated using (true);
grant select on public.notes to anon, authenticated, service_role;
-- ROLLBACK
drop table public.notes;
`;

/** Whether it is among those that are not run. */
function findReason({ text }: Block): string | undefined {
  return Object.entries(NOT_RUN).find(([begin]) => text.startsWith(begin))?.[1];
}

Deno.test("what is said not to be run is there", () => {
  for (const begin of Object.keys(NOT_RUN)) {
    assert(blocks.some(({ text }) => text.startsWith(begin)), `No block begins with "${begin}"`);
  }
});

/** The options of each command and of all, as `--help` shows them; aliases have the same. */
async function readOptions(): Promise<Map<string, Set<string>>> {
  await using workspace = await Workspace.create();
  const optionsIn = (help: string) =>
    new Set(
      [...help.matchAll(/^ {2}(?:(-\w), )?(--[\w-]+)/gm)].flatMap(([, short, long]) =>
        short === undefined ? [long!] : [short, long!]
      ),
    );
  const { stdout } = await workspace.run(["--help"]);
  const names = [...stdout.split("Commands:")[1]!.matchAll(/^ {2}([a-z]+(?:, [a-z]+)*)/gm)]
    .map(([, name]) => name!.split(", "));
  const pages = await Promise.all(names.map(async (aliases) => {
    const options = optionsIn((await workspace.run(["help", aliases[0]!])).stdout);
    return aliases.map((name) => [name, options] as const);
  }));
  return new Map([["", optionsIn(stdout)], ...pages.flat()]);
}

Deno.test("every command, option and task that is named is there", async () => {
  const options = await readOptions();
  assert(options.size > 15, "the help names its commands");
  const known = new Set([...options.values()].flatMap((names) => [...names]));
  const wrong: string[] = [];
  /** Words behind `supamigrate`. */
  const check = (words: readonly string[], place: string): void => {
    const command = words.find((word) => !word.startsWith("-")) ?? "";
    const allowed = options.get(command);
    if (allowed === undefined) return void wrong.push(`${place}: no command "${command}"`);
    for (const word of words.filter((word) => /^--?[a-z]/.test(word))) {
      const name = word.split("=")[0]!;
      if (!allowed.has(name) && !options.get("")!.has(name)) {
        wrong.push(`${place}: "${command}" has no ${name}`);
      }
    }
  };
  const checkTask = ([name = "", ...words]: readonly string[], place: string): void => {
    const task: string | undefined = (manifest.tasks as Record<string, string>)[name];
    if (task === undefined) return void wrong.push(`${place}: no task "${name}"`);
    const [, command] = / cli\.ts (\w+)$/.exec(task) ?? [];
    if (command !== undefined) return check([command, ...words], place);
    const [script = ""] = /\S+\.ts$/.exec(task) ?? [];
    const source = script === ""
      ? ""
      : Deno.readTextFileSync(new URL(`../${script}`, import.meta.url));
    for (const word of words.filter((word) => word.startsWith("--"))) {
      if (!source.includes(word.slice(2))) wrong.push(`${place}: ${script} has no ${word}`);
    }
  };
  const checkCommand = (words: readonly string[], place: string) => {
    const text = words.join(" ").replace(/^npx (--yes )?/, "");
    if (text.startsWith("supamigrate ")) check(text.split(" ").slice(1), place);
    if (text.startsWith("deno task ")) checkTask(text.split(" ").slice(2), place);
  };
  for (const { place, language, text } of blocks) {
    if (language !== "sh") continue;
    for (const words of splitCommands(text)) checkCommand(words, place);
  }
  for (const { place, text } of documents.flatMap(findSpans)) {
    const words = text.split(/\s+/);
    const [first = ""] = words;
    if (/^(npx|supamigrate|deno)$/.test(first)) checkCommand(words, place);
    else if (options.has(first) && words.some((word) => word.startsWith("--"))) check(words, place);
    else if (/^--[a-z]/.test(first) && !known.has(first.split("=")[0]!) && !OF_OTHERS.has(first)) {
      wrong.push(`${place}: no ${first}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("every block of shell text runs as it stands there, on a project and in a repository", async (test) => {
  await using stack = await startStack({ major: 17 });
  const shell = blocks.filter((block) =>
    block.language === "sh" && findReason(block) === undefined
  );
  assert(shell.length > 3);
  for (const { place, text } of shell) {
    await test.step(place, async () => {
      await using project = await stack.createProject({ installed: true, listens: false });
      if (/ adopt /.test(text)) {
        await project.sql(`
        set role postgres;
        create table public.schema_migrations (version varchar(128) primary key);
        insert into public.schema_migrations values ('20260101');
        reset role`);
      }
      await using workspace = await Workspace.create({}, {
        SUPABASE_URL: project.url,
        SUPABASE_SERVICE_KEY: project.serviceKey,
      });
      await Deno.remove(`${workspace.path}/migrations`);
      await Deno.mkdir(`${workspace.path}/supabase/migrations`, { recursive: true });
      await Deno.writeTextFile(
        `${workspace.path}/supabase/migrations/20260101_notes.sql`,
        NOTES,
      );
      const { code, output } = await runShell(
        fillIn(text, project.databaseUrl),
        workspace.path,
        workspace.environment,
      );
      assert.equal(code, 0, output);
    });
  }
});

Deno.test("every block of another language is looked at", async () => {
  const { inputs } = await readYaml("action.yml");
  await using migrator = createMigrator({ embedded: true, migrations: {} });
  for (const block of blocks) {
    const { place, language, text } = block;
    if (findReason(block) !== undefined || language === "sh") continue;
    if (language === "sql") {
      const { migrations: [migration] } = await loadMigrations({ "001_a.sql": text });
      const sections = [migration!.forward, migration!.rollback ?? []].flat();
      const split = await Promise.all(sections.map((one) => splitStatements(one, place)));
      assert(split.every(({ statements }) => statements.length > 0), place);
    } else if (language === "yaml") {
      const steps = parse(text).filter(({ uses }: { uses?: string }) =>
        /supamigrate/.test(uses ?? "")
      );
      assert(steps.length > 0, place);
      for (const { with: given } of steps) {
        assert.deepEqual(Object.keys(given).filter((name) => !(name in inputs)), [], place);
      }
    } else if (language === "ts ignore") {
      // It needs what stands around it; `deno test --doc` checks the others.
      for (const [, method] of text.matchAll(/\bmigrator\.(\w+)\(/g)) {
        assert.equal(typeof Reflect.get(migrator, method!), "function", `${place}: ${method}()`);
      }
    } else if (language !== "ts") assert.fail(`${place}: nothing runs this block:\n${text}`);
  }
});
