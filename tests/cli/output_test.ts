import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { type Project, startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

/** What is printed without anything to be said of the files. */
const ACCEPTED = ["table-without-rls", "table-without-grant", "table-without-primary-key"]
  .map((code) => `-- supamigrate: allow ${code} these are about what is printed\n`).join("");

const MIGRATIONS = {
  "013_add_analytics_tables.sql": section("create table metrics (id int);", "drop table metrics;"),
  "014_update_user_schema.sql": section("create table people (id int);", "drop table people;"),
  "015_add_performance_indexes.sql": section(
    "create index on metrics (id);\ncreate index on people (id);",
    "drop index metrics_id_idx;\ndrop index people_id_idx;",
  ),
};

function section(forward: string, rollback: string): string {
  return `${ACCEPTED}-- FORWARD MIGRATION\n${forward}\n-- ROLLBACK\n${rollback}\n`;
}

function environmentOf(project: Project): Record<string, string> {
  return { SUPABASE_URL: project.url, SUPABASE_SERVICE_KEY: project.serviceKey };
}

/** The line before all others, that says which project this is. */
function lineOf({ url }: Project): string {
  return `🌐 Project ${new URL(url).host} (SUPABASE_URL in the environment)\n\n`;
}

Deno.test("migrate, status, rollback and fresh print what the specification prints", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));

  assert.deepEqual(await workspace.run(["status"]), {
    code: 0,
    stderr: "",
    stdout: `${lineOf(project)}📊 Migration Status

📁 Total migration files: 3
✅ Executed migrations: 0
⏳ Pending migrations: 3
🎯 Last batch: 0
🎉 Up to date: No

⏳ Pending Migrations:
  📄 013_add_analytics_tables.sql (not_executed)
  📄 014_update_user_schema.sql (not_executed)
  📄 015_add_performance_indexes.sql (not_executed)

💡 Run "deno task migrate" to execute pending migrations
`,
  });
  assert.equal((await workspace.run(["status", "--check"])).code, 1);

  assert.deepEqual(await workspace.run(["migrate"]), {
    code: 0,
    stderr: "",
    stdout: `${lineOf(project)}🚀 Starting database migration...

📋 Migration Details:
  ✅ 013_add_analytics_tables.sql - not_executed (Nms)
  ✅ 014_update_user_schema.sql - not_executed (Nms)
  ✅ 015_add_performance_indexes.sql - not_executed (Nms)

✅ Migration completed successfully!
📊 Batch: 1
📈 Migrations run: 3
`,
  });
  assert.match((await workspace.run(["status"])).stdout, /^🎉 Up to date: Yes$/m);
  assert.equal((await workspace.run(["status", "--check"])).code, 0);
  assert.deepEqual(await workspace.run(["up"]), {
    code: 0,
    stderr: "",
    stdout: `${
      lineOf(project)
    }🚀 Starting database migration...\n\n✅ Nothing to migrate: the database is up to date\n`,
  });

  await workspace.write("016_more.sql", section("create table more ();", "drop table more;"));
  await workspace.run(["migrate"]);
  assert.deepEqual(await workspace.run(["rollback", "1"]), {
    code: 0,
    stderr: "",
    stdout: `🔄 Rolling back to: 1

📋 Rollback Details:
  ✅ 016_more.sql

✅ Rollback completed successfully!
📉 Migrations rolled back: 1
`,
  });
  assert.equal(
    (await workspace.run(["rollback", "013_add_analytics_tables"])).stdout,
    `🔄 Rolling back to: 013_add_analytics_tables

📋 Rollback Details:
  ✅ 015_add_performance_indexes.sql
  ✅ 014_update_user_schema.sql

✅ Rollback completed successfully!
📉 Migrations rolled back: 2
`,
  );
  assert.deepEqual(await workspace.run(["fresh", "--yes"]), {
    code: 0,
    stderr: "",
    stdout: `🔥 Fresh migration (WARNING: This will reset the database)

🗑️  Rolling back all migrations...
✅ All migrations rolled back

🚀 Running fresh migration...
✅ Migration completed successfully!
📊 Batch: 1
📈 Migrations run: 4
`,
  });
});

Deno.test("a failure is reported with SQLSTATE and line, and the mended file is run again", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    ...MIGRATIONS,
    "015_add_performance_indexes.sql":
      "create index on metrics (id);\n\ncreate index on peoples (id);\n",
  }, environmentOf(project));

  assert.deepEqual(await workspace.run(["migrate"]), {
    code: 1,
    stderr: "",
    stdout: `${lineOf(project)}🚀 Starting database migration...

❌ Migration failed!
📈 Successful: 2
📉 Failed: 1

📋 Migration Results:
  ✅ 013_add_analytics_tables.sql
  ✅ 014_update_user_schema.sql
  ❌ 015_add_performance_indexes.sql - relation "peoples" does not exist

🔎 015_add_performance_indexes.sql
   SQLSTATE 42P01 in statement 2, line 3
   relation "peoples" does not exist
   at 015_add_performance_indexes.sql:3:17
   3 | create index on peoples (id);
                       ^

Nothing of this migration is left in the database.
💡 Mend the file and run "deno task migrate" again
`,
  });
  assert.match(
    (await workspace.run(["status"])).stdout,
    /📄 015_add_performance_indexes.sql \(failed_previously\)\n {5}last failed with: relation "peoples" does not exist \(42P01\)/,
  );

  await workspace.write("015_add_performance_indexes.sql", "create index on metrics (id);\n");
  assert.equal(
    (await workspace.run(["migrate"])).stdout,
    `${lineOf(project)}🚀 Starting database migration...

📋 Migration Details:
  ✅ 015_add_performance_indexes.sql - checksum_mismatch (Nms)

✅ Migration completed successfully!
📊 Batch: 2
📈 Migrations run: 1
`,
  );
});

Deno.test("create prints the file and its path, and makes it", async () => {
  await using workspace = await Workspace.create();
  const { code, stdout } = await workspace.run(["create", "add_new_feature", "What it is for"]);
  const file = /📄 File: (\d{14}_add_new_feature\.sql)/.exec(stdout)?.[1];
  assert.equal(code, 0);
  assert.equal(
    stdout,
    `📝 Creating new migration: add_new_feature

✅ Migration file created!
📄 File: ${file}
📍 Path: ${workspace.path}/migrations/${file}

💡 Edit the file to add your migration SQL
`,
  );
  assert.match(
    await Deno.readTextFile(`${workspace.path}/migrations/${file}`),
    /^-- Migration: add_new_feature\n-- Description: What it is for\n-- Created: /,
  );
});

Deno.test("a dry run shows statements with their lines and changes nothing", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  const before = await project.sql("select * from supamigrate.migration_lock");
  assert.equal(
    (await workspace.run(["migrate", "--dry-run", "--to", "014"])).stdout,
    `${lineOf(project)}🚀 Starting database migration...

📋 Would be applied, in this order:
  📄 013_add_analytics_tables.sql (not_executed)
         5  create table metrics (id int)
  📄 014_update_user_schema.sql (not_executed)
         5  create table people (id int)

🔍 Dry run: nothing was changed
`,
  );
  assert.deepEqual(await project.sql("select * from supamigrate.migration_lock"), before);
  assert.deepEqual(await project.sql("select * from supamigrate.migration_history"), []);
});

Deno.test("a dry run shows a file of 300,000 statements whole", async () => {
  await using project = await stack.createProject({ installed: true });
  const count = 300_000;
  await using workspace = await Workspace.create(
    { "001_data.sql": "select 1;\n".repeat(count) },
    environmentOf(project),
  );
  const { code, stdout } = await workspace.run(["migrate", "--dry-run", "--verbose"]);
  assert.equal(code, 0);
  assert.equal(stdout.match(/^ +\d+ {2}select 1$/gm)?.length, count);
  assert.match(stdout.slice(-70), /\n {5}300000 {2}select 1\n\n🔍 Dry run: nothing was changed\n$/);
});

Deno.test("--json writes one document to standard output and nothing else", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  const commands = [
    ["status"],
    ["migrate"],
    ["rollback", "0"],
    ["fresh", "--yes"],
    ["baseline", "014"],
    ["repair", "014", "--mark", "pending"],
    ["history"],
    ["unlock"],
    ["create", "add_x"],
    ["rollback", "nowhere"],
    ["migrate", "--no-such-option"],
  ];
  for (const command of commands) {
    const { stdout } = await workspace.run([...command, "--json"]);
    assert.doesNotThrow(() => JSON.parse(stdout), `${command.join(" ")}: ${stdout}`);
  }
});

Deno.test("a run that loses its lock says what it had done, to people and to programs", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    ...MIGRATIONS,
    // So long that the next ones do not go with it.
    "013_add_analytics_tables.sql": section(
      "create table metrics (id int);\nselect pg_sleep(1.1);",
      "drop table metrics;",
    ),
  }, environmentOf(project));
  const loseLockAt = (nth: number) =>
    project.gateway.intercept(async (request, forward) => {
      const { action } = (await request.clone().json()).params ?? {};
      if (action === "apply" && nth-- === 0) {
        await project.sql(
          "update supamigrate.migration_lock set is_locked = false, generation = generation + 1",
        );
      }
      return await forward(request);
    });
  await workspace.run(["migrate"]);
  const unlocked =
    "💡 Nothing was changed since. deno task migrate:status shows where the database stands.\n";

  {
    using _ = loseLockAt(1);
    assert.deepEqual(await workspace.run(["fresh", "--yes", "--quiet"]), {
      code: 3,
      stdout: "",
      stderr:
        `❌ Migration command failed: lock lost: another run or unlock has taken the migration lock
   Done before, and still done:
     015_add_performance_indexes.sql rolled back
     014_update_user_schema.sql rolled back
     013_add_analytics_tables.sql rolled back
     013_add_analytics_tables.sql applied
${unlocked}`,
    });
  }
  await project.sql(
    "set role postgres; create table one (); create table two (); create table three (); reset role",
  );
  {
    using _ = loseLockAt(0);
    const { stderr } = await workspace.run(["fresh", "--drop-schema", "--yes", "--quiet"]);
    assert.match(
      stderr,
      /still done:\n {5}dropped: table \S+, table \S+, table \S+ and 1 more\n💡/,
    );
  }
  {
    using _ = loseLockAt(1);
    const { code, stdout } = await workspace.run(["migrate", "--json"]);
    assert.equal(code, 3);
    assert.deepEqual(JSON.parse(stdout).error.completed, [
      { action: "apply", name: "013_add_analytics_tables.sql" },
    ]);
  }
});

Deno.test("--quiet says nothing but errors", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, environmentOf(project));
  assert.deepEqual(await workspace.run(["migrate", "--quiet"]), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  await workspace.write("016_x.sql", "select 1 / 0;");
  const { code, stdout } = await workspace.run(["migrate", "-q"]);
  assert.equal(code, 1);
  assert.match(stdout, /division by zero/);
});
