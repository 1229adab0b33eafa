import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";

const MIGRATIONS = {
  "20240101000000_a.sql": "create table a ();\n",
  "20240102000000_b.sql": "create table b ();\n",
};
const HISTORY = `
  create table public.schema_migrations (version varchar(128) primary key);
  insert into public.schema_migrations values ('20240101000000');
  create table public.a ();
`;

Deno.test("status, migrate and adopt say what another tool has applied", async () => {
  await using stack = await startStack({ major: 17 });
  await using project = await stack.createProject({
    installed: true,
    setup: HISTORY,
    listens: false,
  });
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
  });

  const status = await workspace.run(["status"]);
  assert.match(
    status.stderr,
    /⚠️ {2}The database has a history of dbmate \(public\.schema_migrations, 1 row\), and none of supamigrate: deno task migrate:adopt takes it over/,
  );

  const refused = await workspace.run(["migrate"]);
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /The migration was applied by dbmate already[^]*💡 deno task migrate:adopt takes/,
  );

  const unanswered = await workspace.run(["adopt"]);
  assert.equal(unanswered.code, 2);
  assert.match(unanswered.stderr, /no terminal to ask on[^]*Add --yes/);

  const dry = await workspace.run(["adopt", "--dry-run", "--json"]);
  assert.equal(dry.code, 0);
  const plan = JSON.parse(dry.stdout);
  assert.deepEqual(
    [plan.history, plan.adopted.map(({ name }: { name: string }) => name), plan.dryRun],
    [
      { tool: "dbmate", title: "dbmate", table: "public.schema_migrations", rows: 1 },
      ["20240101000000_a.sql"],
      true,
    ],
  );

  for (
    const [args, message] of [
      [["adopt", "knex"], /No tool is known as "knex"[^]*It is one of supabase, dbmate, /],
      [["adopt", "dbmate", "--from", "goose"], /Two tools are named: "dbmate" and "goose"/],
      [
        ["adopt", "prisma"],
        /has no history of prisma[^]*one of dbmate in public\.schema_migrations/,
      ],
    ] as const
  ) {
    const { code, stderr } = await workspace.run([...args, "--yes"]);
    assert.equal(code, 2);
    assert.match(stderr, message);
  }

  const terminal = Terminal.start(workspace, ["adopt"]);
  await terminal.see(/Record these as applied, without running them\? \(yes\/no\): /);
  assert.match(
    terminal.text,
    /📌 20240101000000_a\.sql[^]*⏳ Not applied by it[^]*20240102000000_b/,
  );
  terminal.type("yes\r");
  assert.equal(await terminal.end(), 0);
  assert.match(terminal.text, /✅ Adopted from dbmate!\n📊 Batch: 1\n📈 Migrations recorded: 1/);

  const again = await workspace.run(["adopt", "--yes"]);
  assert.deepEqual([again.code, /✅ Nothing to adopt/.test(again.stdout)], [0, true]);
  const history = await workspace.run(["history"]);
  assert.match(history.stdout, /baseline {2}20240101000000_a\.sql +1 .*\n +adopted from dbmate/);
  const migrated = await workspace.run(["migrate"]);
  assert.equal(migrated.code, 0, migrated.stderr);
  assert.match(migrated.stdout, /Migrations run: 1\n/);
});
