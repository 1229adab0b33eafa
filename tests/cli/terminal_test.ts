import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { Workspace } from "../support/cli.ts";
import { type Project, startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";
import { until } from "../support/until.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = {
  "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;",
  "002_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;",
};
const CTRL_C = "\x03";

function environmentOf(project: Project): Record<string, string> {
  return {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
    MIGRATION_TABLE_LOCK_TIMEOUT: "30s",
  };
}

/** A migration that runs until the test lets it go on. */
function waitingMigration(key: number): string {
  return `create table waiting ();\nselect pg_advisory_xact_lock(${key});`;
}

Deno.test("fresh asks, and destroys nothing unless the answer is yes", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await workspace.run(["migrate"]);

  const refused = Terminal.start(workspace, ["fresh"]);
  await refused.see(/DESTROY all data and rebuild the database\. Continue\? \(yes\/no\): /);
  refused.type("no\r");
  assert.equal(await refused.end(), 2);
  assert.match(refused.text, /Not confirmed: nothing was changed/);
  assert.equal(
    (await project.sql("select from supamigrate.migration_log where action <> 'schema'")).length,
    2,
  );

  const agreed = Terminal.start(workspace, ["fresh"]);
  await agreed.see(/\(yes\/no\): /);
  agreed.type("yes\r");
  assert.equal(await agreed.end(), 0);
  assert.match(
    agreed.text,
    /\(yes\/no\): yes\n\n🗑️ {2}Rolling back all migrations\.\.\.\n✅ All migrations rolled back\n\n🚀 Running fresh migration\.\.\.\n✅ Migration completed successfully!/,
  );
});

Deno.test("fresh --drop-schema asks before it removes what migrations made elsewhere", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    "001_a.sql": "create table a ();",
    "002_docs.sql": "insert into storage.buckets (id, name) values ('docs', 'docs');",
  }, environmentOf(project));
  await workspace.run(["migrate"]);

  const unasked = await workspace.run(["fresh", "--drop-schema"]);
  assert.equal(unasked.code, 2);
  assert.match(
    unasked.stderr,
    /could not be applied again beside .*no terminal to ask on:\n +🗑️ {2}bucket docs \(made by 002_docs\.sql\)\n💡 Add --yes .*Nothing was dropped/,
  );

  const refused = Terminal.start(workspace, ["fresh", "--drop-schema"]);
  await refused.see(/bucket docs \(made by 002_docs\.sql\)\s+Remove that as well\? \(yes\/no\): /);
  refused.type("no\r");
  assert.equal(await refused.end(), 2);
  assert.match(refused.text, /Not confirmed: nothing was changed/);
  assert.equal(
    (await project.sql("select from supamigrate.migration_log where action <> 'schema'")).length,
    2,
  );

  const agreed = Terminal.start(workspace, ["fresh", "--drop-schema"]);
  await agreed.see(/as well\? \(yes\/no\): /);
  agreed.type("yes\r");
  await agreed.see(/DESTROY all data and rebuild the database\. Continue\? \(yes\/no\): /);
  agreed.type("yes\r");
  assert.equal(await agreed.end(), 0);
});

Deno.test("fresh --drop-schema that cannot rebuild says what was dropped, and what to do", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    "001_a.sql": "create table a ();",
    "002_hidden.sql": "do $$ begin create schema _by_a_block; end $$;",
  }, environmentOf(project));
  await workspace.run(["migrate"]);

  const { code, stdout } = await workspace.run(["fresh", "--drop-schema", "--yes"]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /schemas were emptied before that\. Since then 1 of 2 migrations were applied\.\n💡 .*DO block.*deno task migrate/,
  );
  await project.sql("drop schema _by_a_block");
  assert.equal((await workspace.run(["migrate"])).code, 0);
});

Deno.test("Ctrl-C at a question changes nothing and ends with 130", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await workspace.run(["migrate"]);
  const terminal = Terminal.start(workspace, ["fresh"]);
  await terminal.see(/\(yes\/no\): /);
  terminal.type(CTRL_C);
  assert.equal(await terminal.end(), 130);
  assert.equal(
    (await project.sql("select from supamigrate.migration_log where action <> 'schema'")).length,
    2,
  );
});

Deno.test("Ctrl-C while import proves files writes none, and ends with 130", async () => {
  await using workspace = await Workspace.create();
  await Deno.mkdir(`${workspace.path}/theirs`);
  for (let number = 1; number <= 3; number++) {
    const path = `${workspace.path}/theirs/00${number}_a.up.sql`;
    await Deno.writeTextFile(path, `create table a${number} ();\nselect pg_sleep(1);\n`);
  }
  const terminal = Terminal.start(workspace, ["import", "--from", "theirs", "--yes"]);
  await terminal.see(/Proving/);
  terminal.type(CTRL_C);
  assert.equal(await terminal.end(), 130);
  assert.match(terminal.text, /Interrupted before anything was changed/);
  assert.deepEqual([...Deno.readDirSync(`${workspace.path}/migrations`)], []);
});

Deno.test("the live line names the migration, and Ctrl-C finishes it, releases the lock and ends with 130", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    "001_slow.sql": waitingMigration(1),
    "002_b.sql": MIGRATIONS["002_b.sql"],
  }, environmentOf(project));
  await using holder = await project.connect();
  await holder.sql("select pg_advisory_lock(1)");

  const terminal = Terminal.start(workspace, ["migrate"]);
  await terminal.see(/⏳ 1\/2 001_slow\.sql line 2 \(statement 2 of 2\), waits for pid \d+/);
  terminal.type(CTRL_C);
  await terminal.see(/Interrupted: finishing the step in flight/);
  await terminal.see(/⏹️ finishing ⏳ 1\/2 001_slow\.sql line 2/);
  await holder.sql("select pg_advisory_unlock(1)");
  assert.equal(await terminal.end(), 130);
  assert.match(terminal.text, /Interrupted: 1 of 2 migrations were applied/);
  assert.deepEqual(
    await project.sql("select migration_name, status from supamigrate.migration_history"),
    [{ migration_name: "001_slow.sql", status: "completed" }],
  );
  assert.deepEqual(
    await project.sql("select is_locked from supamigrate.migration_lock"),
    [{ is_locked: false }],
  );
});

for (const answer of ["yes", "no"]) {
  Deno.test(`the second Ctrl-C says what is still running, and cancels it or not (${answer})`, async () => {
    await using project = await stack.createProject({ installed: true });
    await using workspace = await Workspace.create(
      { "001_slow.sql": waitingMigration(1) },
      environmentOf(project),
    );
    await using holder = await project.connect();
    await holder.sql("select pg_advisory_lock(1)");

    const terminal = Terminal.start(workspace, ["migrate"]);
    await terminal.see(/⏳ 1\/1 001_slow\.sql line 2 \(statement 2 of 2\)/);
    terminal.type(CTRL_C);
    await terminal.see(/⏹️ finishing/);
    terminal.type(CTRL_C);
    await terminal.see(/001_slow\.sql line 2 is still running in the database/);
    await terminal.see(/Cancel it there\? \(yes\/no\): /);
    terminal.type(`${answer}\r`);

    assert.equal(await terminal.end(), answer === "yes" ? 1 : 130);
    const status = async () =>
      (await project.sql("select status from supamigrate.migration_history"))[0]?.status;
    if (answer === "yes") {
      assert.match(terminal.text, /SQLSTATE 57014 in statement 2, line 2/);
      assert.equal(await status(), "failed");
    } else {
      assert.equal(await status(), undefined);
      assert.match(terminal.text, /It goes on there[^]*migrate --wait SECONDS waits for it/);
      const next = await workspace.run(["migrate"], environmentOf(project));
      assert.match(
        next.stderr,
        /has held it for .*, and 001_slow\.sql line 2 is running\. Wait for/,
      );
      assert.equal(next.code, 3);
      await holder.sql("select pg_advisory_unlock(1)");
      await until(
        "the migration to be done on the server",
        async () => await status() === "completed",
      );
    }
  });
}

Deno.test("two runs at once: one applies, the other ends with 3 or waits", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(
    { "001_slow.sql": waitingMigration(2) },
    environmentOf(project),
  );
  await using holder = await project.connect();
  await holder.sql("select pg_advisory_lock(2)");
  const first = Terminal.start(workspace, ["migrate"]);
  await first.see(/⏳ 1\/1 001_slow\.sql/);

  const second = await workspace.run(["migrate"]);
  assert.equal(second.code, 3);
  assert.match(
    second.stderr,
    /^❌ Migration command failed: Failed to acquire migration lock - another migration is in progress\n💡 ada@\S+ has held it for N s, and 001_slow\.sql line 2 is running\. Wait/m,
  );
  assert.match(
    (await workspace.run(["status"])).stdout,
    /🔒 Locked by: ada@\S+ for N s\n⚙️ {2}Running: 001_slow\.sql line 2 for N s/,
  );
  const third = Terminal.start(workspace, ["migrate", "--wait", "60"]);
  await third.see(/🔒 Waiting for ada@/);

  await holder.sql("select pg_advisory_unlock(2)");
  assert.equal(await first.end(), 0);
  assert.equal(await third.end(), 0);
  assert.match(third.text, /Nothing to migrate/);
});

Deno.test("unlock shows the holder and the age, and asks", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  await project.sql(`
    update supamigrate.migration_lock
       set is_locked = true, locked_by = 'grace@ship', process_id = 'migration-1',
           locked_at = now() - interval '3 min', expires_at = now() + interval '2 min',
           token = gen_random_uuid(), generation = generation + 1
     where id = 1`);
  const terminal = Terminal.start(workspace, ["unlock"]);
  await terminal.see(
    /grace@ship \(migration-1\) has held the lock for 3 min[^]*Release it\? \(yes\/no\): /,
  );
  terminal.type("yes\r");
  assert.equal(await terminal.end(), 0);
  assert.match(terminal.text, /🔓 Lock released\. grace@ship had held it for 3 min/);
});

Deno.test("colours are used on a terminal, unless --no-color or NO_COLOR says otherwise", async () => {
  await using workspace = await Workspace.create({}, { SUPABASE_URL: "" });
  const coloured = Terminal.start(workspace, ["status", "--dir", "nowhere"]);
  assert.equal(await coloured.end(), 2);
  assert(coloured.raw.includes("\x1b[31m❌"), coloured.raw);
  const plain = Terminal.start(workspace, ["status", "--dir", "nowhere", "--no-color"]);
  assert.equal(await plain.end(), 2);
  assert(!plain.raw.includes("\x1b[3"), plain.raw);
  const piped = await workspace.run(["status", "--dir", "nowhere"], { FORCE_COLOR: "1" });
  assert(piped.stderr.includes("\x1b[31m❌"), piped.stderr);
});

Deno.test("a run of many has one bar, above which the rest scrolls, and a summary", async () => {
  await using project = await stack.createProject({ installed: true });
  await project.sql("create table in_use ()"); // each goes by itself then
  const numbers = Array.from({ length: 30 }, (_, index) => String(index + 1).padStart(3, "0"));
  const migrations = Object.fromEntries(
    numbers.map((number) => [`${number}_m.sql`, `select ${number};\n-- ROLLBACK\nselect 1;`]),
  );
  await using workspace = await Workspace.create(
    { ...migrations, "020_waits.sql": `${waitingMigration(3)}\n-- ROLLBACK\ndrop table waiting;` },
    environmentOf(project),
  );
  await using holder = await project.connect();
  await holder.sql("select pg_advisory_lock(3)");

  const terminal = Terminal.start(workspace, ["migrate", "--yes"]);
  await terminal.see(/⏳ 20\/31 █+░+ {2}64 %, .* {2}020_waits\.sql/);
  await terminal.see(
    /⏳ 20\/31 +64 %, [\d.]+\/s, \d+ s left {2}020_waits\.sql line 2 \(statement 2 of 2\), waits/,
  );
  terminal.type(CTRL_C);
  await terminal.see(/Interrupted: finishing the step in flight.*\n⏹️ finishing ⏳ 20\/31 /);
  await holder.sql("select pg_advisory_unlock(3)");
  assert.equal(await terminal.end(), 130);
  assert.match(
    terminal.text,
    /🚀 Starting[^█]*Interrupted: finishing[^█]*\n📋 Migration Details:\n {2}✅ 21 migrations \([\d,]+ms\); --verbose names them\n {2}🐢 slowest: 020_waits\.sql /,
  );
  const { stdout } = await workspace.run(["migrate"]);
  assert.match(stdout, /\n {2}✅ 030_m\.sql - not_executed \(Nms\)\n/);

  const undone = Terminal.start(workspace, ["rollback", "--steps", "25", "--yes", "--verbose"]);
  assert.equal(await undone.end(), 0);
  assert.match(undone.text, /\n {2}✅ 020_waits\.sql\n/);
});

Deno.test("status --all and history list migrations in columns that fit", async () => {
  await using project = await stack.createProject({ installed: true });
  const long = `003_${"a_name_that_goes_on_and_on_".repeat(6)}.sql`;
  await using workspace = await Workspace.create({
    ...MIGRATIONS,
    [long]: "select 1 / 0;",
  }, environmentOf(project));
  await workspace.run(["migrate"]);
  await workspace.write(long, "select 1;");
  await workspace.run(["migrate"]);

  const status = Terminal.start(workspace, ["status", "--all"]);
  assert.equal(await status.end(), 0);
  assert.match(
    status.text,
    /✅ Applied Migrations:\n {2}Name +Batch {2}When +Duration {2}Rollback\n {2}001_a\.sql +1 {2}20\d\d-\d\d-\d\d [\d:]{8} +\d+ms {2}yes\n[^]*\n {2}003_a_name\S+…\S+\.sql +2 [^\n]+ms {2}no\n/,
  );
  const history = Terminal.start(workspace, ["history"]);
  assert.equal(await history.end(), 0);
  assert.match(
    history.text,
    /\nby ada@\S+, supamigrate \S+\n✅ {2}\S+ [\d:]{8} {2}apply {2}003_a\S*…\S+ +2 +\d+ms {2}no\n❌ .*\n {5}division by zero \(22012\)\n✅ /,
  );
  assert(!/[^\n]{101}/.test(status.text + history.text), "nothing is wider than the screen");

  const { stdout } = await workspace.run(["status", "--all"]);
  assert(stdout.includes(`\n  ${long}      2  `), stdout);
  assert.equal(JSON.parse((await workspace.run(["status", "--json"])).stdout).applied, undefined);
});

Deno.test("a run that was killed at any moment is completed by the next one", async () => {
  await using project = await stack.createProject({ installed: true });
  await project.sql("create table in_use ()"); // each goes by itself then
  const migrations = Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [
      `${String(index).padStart(3, "0")}_m.sql`,
      index === 0
        ? "create table witness (migration int)"
        : `insert into witness values (${index}); select pg_sleep(0.01);`,
    ]),
  );
  await using workspace = await Workspace.create(migrations, environmentOf(project));
  // Killed at its nth request: in odd rounds when the answer is there, in even ones while the
  // database is at work.
  for (let round = 1; round <= 6; round++) {
    let requests = 0;
    using _ = project.gateway.intercept(async (request, forward) => {
      if (++requests !== round) return await forward(request);
      const answer = forward(request);
      if (round % 2 === 1) await answer;
      run.kill("SIGKILL");
      return await answer;
    });
    const run = workspace.spawn(["migrate"]);
    const [{ signal }] = await Promise.all([
      run.status,
      run.stdout.cancel(),
      run.stderr.cancel(),
    ]);
    assert.equal(signal, "SIGKILL", `round ${round}`);
    await workspace.run(["unlock", "--yes"]);
  }
  assert.equal((await workspace.run(["migrate", "--wait", "30"])).code, 0);
  assert.match((await workspace.run(["status"])).stdout, /Up to date: Yes/);
  assert.deepEqual(
    await project.sql("select migration from witness order by 1"),
    Array.from({ length: 11 }, (_, index) => ({ migration: index + 1 })),
  );
});

for (
  const [question, shown] of [
    ["undo", /undo on the project abcdefghijklmnopqrst[^]*002_b\.sql\n {2}📄 001_a\.sql/],
    ["destroy", /Everything will be gone\./],
  ] as const
) {
  Deno.test(`on a hosted project its name has to be typed (${question})`, async () => {
    const script = fileURLToPath(new URL("../support/ask_for_name.ts", import.meta.url));
    const ask = async (typed: string): Promise<string> => {
      const options = { cwd: Deno.cwd(), env: Deno.env.toObject() };
      const terminal = Terminal.spawn(["run", "--allow-all", script, question], options);
      await terminal.see(/Type the project's name \(abcdefghijklmnopqrst\) to continue: /);
      terminal.type(`${typed}\r`);
      await terminal.end();
      assert.match(terminal.text, shown);
      return terminal.text;
    };
    assert.match(await ask("yes"), /refused/);
    assert.match(await ask(""), /refused/);
    assert.match(await ask("abcdefghijklmnopqrst"), /agreed/);
  });
}
