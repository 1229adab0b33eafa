import assert from "node:assert/strict";
import { toResult, Workspace } from "../support/cli.ts";

const MIGRATIONS = { "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;" };

Deno.test("migrations and settings may be anywhere", async () => {
  await using workspace = await Workspace.create();
  await using elsewhere = await Workspace.create(MIGRATIONS);
  await Deno.writeTextFile(`${elsewhere.path}/settings`, "MIGRATION_BATCH_SIZE=0\n");
  const dir = `${elsewhere.path}/migrations`;
  const { stdout } = await workspace.run(["status", "--dir", dir]);
  assert.match(stdout, /001_a\.sql \(not_executed\)/);
  const { stderr } = await workspace.run(["status", "--env-file", `${elsewhere.path}/settings`]);
  assert.match(stderr, /MIGRATION_BATCH_SIZE has to be/);
});

Deno.test("what Deno does not allow is told with what allows it", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  await using elsewhere = await Workspace.create();
  const cases: [string[], string, string][] = [
    [["migrate", `--embedded=${elsewhere.path}/db`], `${elsewhere.path}/db`, "embedded database"],
    [["create", "x", "--dir", elsewhere.path], elsewhere.path, "make a file in the folder"],
  ];
  for (const [args, folder, task] of cases) {
    const { code, stderr } = await workspace.run(args);
    assert.equal(code, 2, stderr);
    assert.match(stderr, new RegExp(`^❌ Migration command failed: Cannot .*${task}`));
    assert(stderr.includes(`Deno does not allow to write "${folder}"\n`), stderr);
    assert(stderr.includes(`\n💡 Add ${folder} to --allow-write where it is started`), stderr);
  }
  for (
    const [flags, message] of [
      [["--allow-read"], 'read the environment variable "SUPABASE_SERVICE_KEY"'],
      [["--allow-read", "--allow-env"], 'ask the system for its "hostname"'],
      [["--allow-env"], 'read ".env.local"'],
    ] as const
  ) {
    const { args, ...options } = workspace.command(["status"]);
    const others = args.filter((arg) => !arg.startsWith("--allow-") && arg !== "run");
    const { code, stderr } = toResult(
      await new Deno.Command(Deno.execPath(), {
        ...options,
        args: ["run", ...flags, ...others],
        stdin: "null",
      }).output(),
    );
    assert(stderr.includes(`Deno does not allow to ${message}`), stderr);
    assert.equal(code, 2);
  }
});
