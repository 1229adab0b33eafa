import assert from "node:assert/strict";
import { describeServer, type ServerProject } from "../support/projects.ts";
import { describeTest, findMissing } from "../support/programs.ts";
import { startStack } from "../support/stack.ts";
import { until } from "../support/until.ts";
import { INSTALL_SCRIPT } from "../../lib/database/bootstrap.ts";

// Before 1.5, which Debian has, pg_cron begins jobs at full minutes: one project and one run for all.

const missing = await findMissing(["postgresql-15-cron"]);

async function openWithCron(): Promise<ServerProject & AsyncDisposable> {
  const resources = new AsyncDisposableStack();
  const stack = resources.use(await startStack({ major: 15, cron: true }));
  const project = await stack.createProject({ setup: INSTALL_SCRIPT });
  // As on Supabase, whose postgres is no superuser.
  await project.sql(`
    create extension pg_cron with schema pg_catalog;
    grant usage on schema cron to postgres;
    grant all on all functions in schema cron to postgres;
    grant all on all tables in schema cron to postgres;
    revoke all on cron.job from postgres;
    grant select on cron.job to postgres;
  `);
  return {
    ...describeServer(stack, project),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

Deno.test(
  describeTest("over the API, statements run outside a transaction through pg_cron", async () => {
    await using project = await openWithCron();
    const files: Record<string, string> = {
      "001_items.sql": "create table items (id int);\ninsert into items values (1), (1);",
      "002_index.sql":
        "create index concurrently items_id on items (id);\ncreate table after_it ();\n",
      "003_once.sql":
        "do $$ begin insert into items values (2); commit; insert into items values (3); end $$;",
      "004_unique.sql": "create unique index concurrently unique_id on items (id);",
    };
    // A run that is gone and a person who sees to it by hand leave no job that begins again and again.
    const vacuum = { "000_vacuum.sql": "vacuum;" };
    const gone = project.migrator(vacuum);
    const lost = gone.migrate().catch((error: Error) => error.name);
    await until("the job", async () => (await project.sql("select from cron.job")).length === 1);
    await gone.unlock({});
    assert.equal(await lost, "LockLostError");
    await gone.repair("000", { mark: "pending" });
    // One that has begun meanwhile goes on, and is left with a date that never comes.
    const again = "select jobname from cron.job where schedule <> '0 0 30 2 *'";
    assert.deepEqual(await project.sql(again), []);

    const waiting = new Set<string>();
    const { results } = await project.migrator(files, {
      onProgress: (event) => {
        if (event.type === "waiting") waiting.add(`${event.activity?.running}`);
      },
    }).migrate();
    assert.deepEqual(results.map(({ name, success, steps }) => [name, success, steps]), [
      ["001_items.sql", true, { done: 1, total: 1 }],
      ["002_index.sql", true, { done: 2, total: 2 }],
      ["003_once.sql", true, { done: 1, total: 1 }],
      ["004_unique.sql", false, { done: 0, total: 1 }],
    ]);
    assert.match(results[3]!.error!.message, /could not create unique index "unique_id"/);
    assert.match([...waiting].join(), /002_index\.sql line 1/);
    assert.deepEqual(
      await project.sql(
        `select indexrelid::regclass::text as name, indisvalid as valid from pg_index
        where indrelid = 'items'::regclass`,
      ),
      [{ name: "items_id", valid: true }],
    );
    assert.deepEqual(await project.sql("select id from items where id > 1 order by id"), [
      { id: 2 },
      { id: 3 },
    ]);
    assert.deepEqual(await project.sql(again), []);
  }, missing),
);

Deno.test(
  describeTest("a job of pg_cron is shown from elsewhere, and can be cancelled", async () => {
    await using project = await openWithCron();
    const files: Record<string, string> = {
      "001_items.sql": "create table items (id int);",
      "002_index.sql": "create index concurrently items_id on items (id);",
    };
    await project.migrator(files).migrate({ to: "001" });
    await project.sql("revoke usage on schema cron from postgres");
    assert.equal(
      (await project.migrator(files).status()).activity,
      null,
      "no job, no right needed",
    );
    await project.sql("grant usage on schema cron to postgres");
    await using other = await project.connect();
    await other.sql("begin");
    await other.sql("insert into items values (1)");

    const running = project.migrator(files).migrate();
    const elsewhere = project.migrator(files);
    const look = async () => (await elsewhere.status()).activity;
    await until("the job", async () => (await look())?.running === "002_index.sql", 90_000);
    assert.equal((await look())!.blockedBy.length, 1, "whom the job waits for");
    assert.deepEqual(
      (({ cancelled, ended }) => ({ cancelled, ended }))(await elsewhere.cancel()),
      { cancelled: true, ended: true },
    );
    await other.sql("rollback");

    const { success, results } = await running;
    assert.equal(success, false);
    assert.match(results[0]!.error!.message, /canceling statement due to user request/);
    assert.equal((await elsewhere.status()).lock.isLocked, false);
  }, missing),
);
