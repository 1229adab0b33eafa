import assert from "node:assert/strict";
import { createMigrator, type Migrator } from "../../mod.ts";
import { type AnyProject, testOnEveryDatabase, testOnOneServer } from "../support/projects.ts";

// What the server says beside its answers. HTTP does not carry it: servers are asked over a direct
// connection.

/** A migrator on a way that carries what the server says. */
function hearing(project: AnyProject, migrations: Record<string, string>): Migrator {
  return "databaseUrl" in project
    ? project.migrator(migrations, { databaseUrl: `${project.databaseUrl}`, via: "direct" })
    : createMigrator({ embedded: true, migrations });
}

testOnEveryDatabase("what a migration raises is told with it", async (project) => {
  await using migrator = hearing(project, {
    "1_a.sql": `create table a ();

do $$ begin raise warning 'two rows had no owner' using detail = 'a: 2', hint = 'Give them one'; end $$;
create table if not exists a ();`,
    "2_b.sql": "create table b ();",
    "3_fails.sql": "do $$ begin raise notice 'so far'; end $$; select 1 / 0;",
  });
  const { results } = await migrator.migrate();
  assert.deepEqual(results.map(({ messages }) => messages), [
    [
      {
        severity: "WARNING",
        message: "two rows had no owner",
        detail: "a: 2",
        hint: "Give them one",
        line: 3,
      },
      { severity: "NOTICE", message: 'relation "a" already exists, skipping', line: 4 },
    ],
    [],
    [{ severity: "NOTICE", message: "so far", line: 1 }],
  ]);
});

testOnEveryDatabase(
  "what is said of migrations that are run once more is told once",
  async (project) => {
    await using migrator = hearing(project, {
      "1_a.sql": "do $$ begin raise notice 'once'; end $$;",
      "2_opens.sql": "grant execute on all functions in schema public to anon;",
    });
    const { results } = await migrator.migrate({ transaction: "batch" });
    assert.deepEqual(results.map(({ messages }) => messages.map(({ message }) => message)), [
      ["once"],
      [],
    ]);
    assert.match(results[1]!.notices.join(), /taken back/);
  },
);

testOnEveryDatabase("of what is raised in a loop there is a part", async (project) => {
  await using migrator = hearing(project, {
    "1_a.sql": "do $$ begin for i in 1..2000 loop raise notice '%', i; end loop; end $$;",
    "2_b.sql": "create table b ();",
  });
  const { results } = await migrator.migrate();
  const [first, second] = results;
  assert.deepEqual(first?.messages.map(({ message }) => Number(message)), [
    ...Array.from({ length: 20 }, (_, index) => index + 1),
  ]);
  assert.deepEqual([first?.messagesLeftOut, second?.messagesLeftOut], [1980, 0]);
});

testOnEveryDatabase("what is raised is not crowded out by what was skipped", async (project) => {
  const skipped = Array.from({ length: 30 }, (_, index) => `drop table if exists t${index};`);
  await using migrator = hearing(project, {
    "1_a.sql": `${skipped.join("\n")}\ndo $$ begin raise warning 'heard'; end $$;`,
  });
  const { results: [result] } = await migrator.migrate();
  assert.deepEqual([result?.messages.length, result?.messagesLeftOut], [20, 11]);
  assert.deepEqual(
    result?.messages.filter(({ severity }) => severity === "WARNING").map(({ message }) => message),
    ["heard"],
  );
});

testOnEveryDatabase("migrations that go together have each its own messages", async (project) => {
  const raise = (text: string) => `do $$ begin raise notice '${text}'; end $$;`;
  for (const [index, transaction] of (["batch", "all"] as const).entries()) {
    await using migrator = hearing(project, {
      [`${index}1_a.sql`]: `select ${index}; ${raise("one")} ${raise("both")}`,
      [`${index}2_b.sql`]: `select ${index};`,
      [`${index}3_c.sql`]: `${raise("three")} select ${index}; ${raise("both")}`,
    });
    const { results } = await migrator.migrate({ transaction });
    assert.deepEqual(
      results.map(({ messages }) => messages.map(({ message }) => message)),
      [["one", "both"], [], ["three", "both"]],
    );
  }
});

testOnEveryDatabase("what rollback SQL raises is told, and no key", async (project) => {
  const key = "sb_secret_0123456789abcdefghijklmnop";
  await using migrator = hearing(project, {
    "1_a.sql": `select 1;\n-- ROLLBACK\ndo $$ begin raise warning 'gone: ${key}'; end $$;`,
  });
  await migrator.migrate();
  const { results: [result] } = await migrator.rollback();
  assert.equal(result?.messages.length, 1);
  assert.match(result.messages[0]!.message, /^gone: (?!sb_secret_0123)/);
});

testOnOneServer("the API carries no messages", async (project) => {
  const { results } = await project.migrator({
    "1_a.sql": "do $$ begin raise warning 'unheard'; end $$;",
  }).migrate();
  assert.deepEqual([results[0]?.messages, results[0]?.messagesLeftOut], [[], 0]);
});
