import assert from "node:assert/strict";
import { isExpected } from "./check.ts";
import { describeTest, findMissing } from "../support/programs.ts";
import { goals, outside, reinstalled, type Search, smallest, variants } from "./searches.ts";
import { explain, model, type Outcome, PROGRAMS, run } from "./spin.ts";

const missing = await findMissing(PROGRAMS);

/** A test that searches. */
function testSearch(name: string, body: () => Promise<void>): void {
  Deno.test(describeTest(`the model: ${name}`, body, missing));
}

const outcomes = new Map<string, Promise<Outcome>>();

/** Searches; what was searched for before is known. */
function runOnce(search: Search): Promise<Outcome> {
  const outcome = outcomes.get(search.name) ?? run(search);
  outcomes.set(search.name, outcome);
  return outcome;
}

async function assertExpected(search: Search): Promise<void> {
  const outcome = await runOnce(search);
  assert.ok(isExpected(search, outcome), JSON.stringify(outcome, null, 2));
  // What was found is what the protocol's steps lead to.
  assert.equal(outcome.trail.length > 0, search.finds !== null);
}

testSearch(`${smallest.title}: nothing is found, and every step is taken`, async () => {
  await assertExpected(smallest);
});

for (const search of variants) {
  testSearch(`${search.title}: ${explain(search.finds!)}`, () => assertExpected(search));
}

for (const search of goals) {
  testSearch(`${search.title}, ${explain(search.finds!)}`, () => assertExpected(search));
}

for (const search of [reinstalled, outside]) {
  testSearch(`${search.title}: nothing is found`, () => assertExpected(search));
}

testSearch("key and token apply again when a copy of up comes after down", async () => {
  const { trail } = await runOnce(variants.find(({ name }) => name === "key-and-token")!);
  assert.deepEqual(
    trail.filter((line) => / commits|late copy/.test(line)).map((line) => line.split(" (")[0]),
    [
      "database: apply of run 1 commits: ok",
      "database: revert of run 1 commits: ok",
      "database: apply of run 1",
      "database: apply of run 1 commits: ok",
    ],
  );
});

testSearch("without FOR UPDATE the lock is taken over in mid-migration", async () => {
  const { trail } = await runOnce(variants.find(({ name }) => name === "no-for-update")!);
  const begins = trail.findIndex((line) => /apply of run 1 .* begins/.test(line));
  const takenOver = trail.findIndex((line) => /acquire of run 2 .*: acquired/.test(line));
  const commits = trail.findIndex((line) => /apply of run 1 commits/.test(line));
  assert.ok(begins >= 0 && begins < takenOver && takenOver < commits, trail.join("\n"));
});

Deno.test("deno task model says what to install where spin or gcc is missing", async () => {
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-read", "--allow-run", "tests/model/check.ts"],
    cwd: new URL("../../", import.meta.url),
    env: { PATH: "/nowhere", NO_COLOR: "1" },
  }).output();
  assert.equal(code, 2);
  assert.match(
    new TextDecoder().decode(stderr),
    /^Not installed: spin, gcc\. On Debian and Ubuntu: apt-get install spin gcc$/m,
  );
});

Deno.test("every variant of the model is searched, and each that is searched is in it", () => {
  const text = Object.values(model).join("\n");
  const findAll = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name!);
  const asked = findAll(/(?:#ifn?def |defined\()(\w+)/g);
  const defined = findAll(/#define (\w+)/g);
  const searched = [smallest, reinstalled, ...variants, ...goals]
    .flatMap(({ macros }) => macros.map((macro) => macro.split("=")[0]!));
  assert.deepEqual(asked.filter((name) => !defined.includes(name) && !searched.includes(name)), []);
  assert.deepEqual(searched.filter((name) => !asked.includes(name)), []);
});

async function readSql(name: string): Promise<string> {
  return await Deno.readTextFile(new URL(`../../sql/${name}`, import.meta.url));
}

Deno.test("the model replies with the statuses of sql/lock.sql, and with no others", async () => {
  const sql = await readSql("lock.sql");
  const statuses = [...sql.matchAll(/'status', (?:'(\w+)'|case .*? then '(\w+)' else '(\w+)')/g)]
    .flatMap(([, ...names]) => names.filter((name) => name !== undefined));
  const modelled = /^mtype = \{ (.+) \}; +\/\* statuses \*\//m.exec(model["lock.pml"]!)![1]!;
  // Nobody waits for the reply to unlock: its outcome is printed. What is unstaged was never sent.
  assert.deepEqual(
    [...new Set(statuses)].sort(),
    [...modelled.split(", "), "unlocked", "unstaged"].sort(),
  );
});

Deno.test("the model knows each action of sql/lock.sql, or README.md says why not", async () => {
  const sql = await readSql("lock.sql");
  const actions = [...sql.matchAll(/^ {4}when '(\w+)'/gm)].map(([, name]) => name!);
  assert.ok(actions.includes("apply"));
  const modelled = /^mtype = \{ (.+) \}; +\/\* actions of perform \*\//m.exec(
    model["lock.pml"]!,
  )![1]!
    .split(", ");
  const readme = await Deno.readTextFile(new URL("README.md", import.meta.url));
  const left = readme.slice(readme.indexOf("## What is not modelled"));
  for (const action of actions) {
    assert.ok(modelled.includes(action) || left.includes(`\`${action}\``), action);
  }
  for (const action of modelled) assert.ok(actions.includes(action), action);
});

Deno.test("the functions that README.md puts side by side are in the model and in the code", async () => {
  const readme = await Deno.readTextFile(new URL("README.md", import.meta.url));
  const rows = [...readme.matchAll(/^\| `(\w+)`[^|]*\| `([\w.#]+)` in `([\w./]+)` *\|/gm)];
  assert.ok(rows.length >= 10, `${rows.length} rows`);
  for (const [, modelled, name, file] of rows) {
    assert.match(Object.values(model).join("\n"), new RegExp(`\\b${modelled}\\b`));
    const code = await Deno.readTextFile(new URL(`../../${file}`, import.meta.url));
    const plain = name!.replace(/^.*[.]/, "");
    const definition = file!.endsWith(".sql")
      ? `(?:function|table if not exists) supamigrate\\.${plain}\\b`
      : `(?:function |async )${plain}\\(`;
    assert.match(code, new RegExp(definition), `${name} in ${file}`);
  }
});
