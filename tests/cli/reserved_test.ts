import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { openHosted, openTrust } from "../support/hosted.ts";
import { type Project, startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";

const stack = await startStack({ major: 17 });
const trust = await openTrust();
Deno.test.afterAll(async () => {
  await trust[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const ROLE = `app_${Deno.pid}`;
const MIGRATIONS = {
  "001_a.sql": `create role ${ROLE};\n\ngrant ${ROLE} to supabase_storage_admin;\n` +
    `-- ROLLBACK\nrevoke ${ROLE} from supabase_storage_admin;\ndrop role ${ROLE};`,
};
const FOUND = "changes what supabase_storage_admin is a member of, which Supabase keeps to itself";
const WARNING = new RegExp(
  `⚠️ {2}001_a\\.sql:3 ${FOUND}\n⚠️ {2}Leave it out: what Supabase keeps to itself`,
);

/** A project, reached as a hosted one or as one on this machine, and a folder of migrations. */
async function open(
  kind: "hosted" | "local",
): Promise<{ project: Project; workspace: Workspace } & AsyncDisposable> {
  const resources = new AsyncDisposableStack();
  const project = resources.use(await stack.createProject({ installed: true }));
  resources.defer(async () => void await project.sql(`drop role if exists ${ROLE}`));
  const url = kind === "local" ? project.url : resources.use(await openHosted(project)).url;
  const workspace = resources.use(
    await Workspace.create(MIGRATIONS, {
      ...trust.environment,
      SUPABASE_URL: url,
      SUPABASE_SERVICE_KEY: project.serviceKey,
    }),
  );
  return { project, workspace, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

async function isMade({ project }: { project: Project }): Promise<boolean> {
  return (await project.sql("select from pg_roles where rolname = $1", [ROLE])).length > 0;
}

Deno.test("what Supabase reserves is refused on a hosted project without a terminal", async () => {
  await using given = await open("hosted");
  const { code, stderr } = await given.workspace.run(["migrate"]);
  assert.equal(code, 2, stderr);
  assert.match(stderr, WARNING);
  assert.match(stderr, new RegExp(`The migration ${FOUND}\n *at 001_a\\.sql:3\n`));
  assert.match(stderr, /💡 Take it out of the file\. Add --yes if it is to be sent all the same/);
  assert.equal(await isMade(given), false);
});

Deno.test("--yes and the answer yes let through what Supabase reserves", async () => {
  await using given = await open("hosted");
  const planned = await given.workspace.run(["migrate", "--dry-run"]);
  assert.equal(planned.code, 0, planned.stderr);
  assert.match(planned.stderr, WARNING);

  const refused = Terminal.start(given.workspace, ["migrate"]);
  await refused.see(/001_a\.sql:3 changes[^]*Send that all the same\? \(yes\/no\): /);
  refused.type("no\r");
  assert.equal(await refused.end(), 2, refused.text);
  assert.equal(await isMade(given), false);

  const agreed = Terminal.start(given.workspace, ["migrate"]);
  await agreed.see(/Send that all the same\? \(yes\/no\): /);
  agreed.type("yes\r");
  assert.equal(await agreed.end(), 0, agreed.text);
  assert.equal(await isMade(given), true);

  const undone = await given.workspace.run(["rollback", "--yes"]);
  assert.equal(undone.code, 0, undone.stderr);
  assert.match(undone.stderr, new RegExp(`001_a\\.sql:5 ${FOUND}`));

  const again = await given.workspace.run(["migrate", "--yes", "--json"]);
  assert.equal(again.code, 0, again.stderr);
  const { warnings, planned: [{ reserved }] } = JSON.parse(again.stdout);
  assert.match(warnings[0], /^001_a\.sql:3 changes/);
  assert.deepEqual(reserved, [{ says: FOUND, isUndone: false, line: 3, file: "001_a.sql" }]);
});

Deno.test("on this machine what Supabase reserves is told, and not asked about", async () => {
  await using given = await open("local");
  const { code, stderr } = await given.workspace.run(["migrate"]);
  assert.equal(code, 0, stderr);
  assert.match(stderr, WARNING);
});
