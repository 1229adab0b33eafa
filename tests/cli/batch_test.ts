import assert from "node:assert/strict";
import { formatRange } from "../../lib/output/activity.ts";
import { Workspace } from "../support/cli.ts";

const NOTES = `create table public.notes (id int primary key, seen int not null default 0);
insert into public.notes select generate_series(1, 25);
analyze public.notes;
-- supamigrate: commit
alter table public.notes add constraint few check (seen = 0 or id < 15);
`;

const SEEN = `-- supamigrate: batch public.notes id 10
update public.notes set seen = seen + 1;
-- ROLLBACK
select 1;
`;

Deno.test("ranges are shown before, where one fails, and by status", async () => {
  await using workspace = await Workspace.create({ "001_notes.sql": NOTES, "002_seen.sql": SEEN });
  const plan = await workspace.run(["plan", "--embedded"]);
  assert.match(
    plan.stdout,
    / {2}📄 002_seen\.sql \(not_executed\)\n {5}step 1 of 1, in ranges of "public"\."notes" by id, of up to 10 rows:\n {9}2 {2}update public\.notes set seen = seen \+ 1\n/,
  );
  const comment = await workspace.run(["plan", "--embedded", "--format", "markdown"]);
  assert.match(
    comment.stdout,
    /\*\*Step 1 of 1, in ranges of .*notes.* by id, of up to 10 rows\*\*/,
  );

  const json = await workspace.run(["plan", "--embedded", "--out", "plan.json"]);
  assert.equal(json.code, 0, json.stderr);
  const { migrations } = JSON.parse(await Deno.readTextFile(`${workspace.path}/plan.json`));
  assert.deepEqual(migrations[1].steps[0].batch, {
    table: '"public"."notes"',
    key: "id",
    rows: 10,
  });
  const failed = await workspace.run(["migrate", "--embedded", "--plan", "plan.json", "--yes"]);
  assert.equal(failed.code, 1);
  assert.match(
    failed.stdout,
    /\n10 of about 25 rows of public\.notes are done and stay so: the next run goes on/,
  );
  const status = await workspace.run(["status", "--embedded"]);
  assert.match(
    status.stdout,
    /📄 002_seen\.sql \(failed_previously, 10 of about 25 rows of public\.notes done\)/,
  );
});

Deno.test("of a migration that fails between its steps, what is done is said", async () => {
  const commit = "\n-- supamigrate: commit\n";
  for (
    const [statements, said] of [
      [["create table one ();", "select 1/0;"], "1 of its 2 steps is done and stays so"],
      [
        ["create table one ();", "select 2;", "select 1/0;"],
        "2 of its 3 steps are done and stay so",
      ],
    ] as const
  ) {
    await using workspace = await Workspace.create({ "001_steps.sql": statements.join(commit) });
    const { code, stdout } = await workspace.run(["migrate", "--embedded"]);
    assert.equal(code, 1);
    assert.ok(stdout.includes(`\n${said}: the next run goes on behind `), stdout);
  }
});

Deno.test("how far a batch is, is said in one line", () => {
  const batch = {
    digest: "",
    table: "public.orders",
    key: "id",
    after: "4711",
    ranges: 3,
    passed: 41_000,
    affected: 1200,
    total: 100_000,
    rows: 10_000,
    generation: 1,
  };
  const say = (more: object, leftMs: number | null = null, lagMs: number | null = null) =>
    formatRange({
      type: "range",
      migration: "1.sql",
      batch: { ...batch, ...more },
      leftMs,
      pauseMs: 0,
      lagMs,
    });
  assert.equal(
    say({}, 125_000),
    "41 % of about 100,000 rows of public.orders, 1,200 changed, about 2 min left",
  );
  assert.equal(
    say({ total: null }, null, 3000),
    "41,000 rows of public.orders, 1,200 changed; waits for replicas, which are 3 s behind",
  );
  assert.equal(say({ total: 100 }), "41,000 rows of public.orders, 1,200 changed");
});
