import assert from "node:assert/strict";
import { ProjectMemory } from "../../lib/output/known_projects.ts";
import { Reporter } from "../../lib/output/terminal.ts";
import { Workspace } from "../support/cli.ts";
import { type HostedProject, openHosted, openTrust } from "../support/hosted.ts";
import { startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";

const stack = await startStack({ major: 17 });
const trust = await openTrust();
Deno.test.afterAll(async () => {
  await trust[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const MIGRATIONS = { "001_a.sql": "create schema a;\n-- ROLLBACK\ndrop schema a;" };
const ELSEWHERE = "abcdefghijklmnopqrst";
const REFUSAL =
  /So far the migrations in "migrations" have gone to .*, not to 0\.0\.0\.0:\d+\n💡 .*--yes/;

/** A project that looks like a hosted one, and a folder of migrations with its settings. */
async function open(): Promise<{ hosted: HostedProject; workspace: Workspace } & AsyncDisposable> {
  const resources = new AsyncDisposableStack();
  const project = resources.use(await stack.createProject({ installed: true }));
  const hosted = resources.use(await openHosted(project));
  const workspace = resources.use(
    await Workspace.create(MIGRATIONS, {
      ...trust.environment,
      SUPABASE_URL: hosted.url,
      SUPABASE_SERVICE_KEY: project.serviceKey,
    }),
  );
  return { hosted, workspace, [Symbol.asyncDispose]: () => resources.disposeAsync() };
}

function pathIn(workspace: Workspace): string {
  return `${workspace.path}/.supamigrate/projects.json`;
}

/** The names that are remembered for the folder. */
async function known(workspace: Workspace, folder = "migrations"): Promise<string[]> {
  const text = await Deno.readTextFile(pathIn(workspace)).catch(() => "{}");
  return (JSON.parse(text)[folder] ?? []).map(({ name }: { name: string }) => name);
}

/** Lets the folder have gone to another project before. */
async function goneElsewhere(workspace: Workspace): Promise<void> {
  await Deno.mkdir(`${workspace.path}/.supamigrate`);
  const projects = [{ name: ELSEWHERE, since: "2026-11-20" }];
  await Deno.writeTextFile(pathIn(workspace), JSON.stringify({ migrations: projects }));
}

Deno.test("the first project of a folder is remembered by name and day, and out of git", async () => {
  await using given = await open();
  const { workspace, hosted } = given;
  assert.equal((await workspace.run(["status"])).code, 0);
  assert.deepEqual(await known(workspace), [], "reading is nothing to remember");

  const { code, stderr } = await workspace.run(["migrate"]);
  assert.deepEqual([code, stderr], [0, ""]);
  const today = new Date().toISOString().slice(0, 10);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(pathIn(workspace))), {
    migrations: [{ name: hosted.name, since: today }],
  });
  assert.equal(await Deno.readTextFile(`${workspace.path}/.supamigrate/.gitignore`), "*\n");

  const before = await Deno.stat(pathIn(workspace));
  assert.equal((await workspace.run(["migrate", "--dir", "./migrations/"])).code, 0);
  assert.deepEqual((await Deno.stat(pathIn(workspace))).mtime, before.mtime);
});

Deno.test("without a terminal another project ends with 2 before any request, unless --yes", async () => {
  await using given = await open();
  const { workspace, hosted } = given;
  await goneElsewhere(workspace);
  for (
    const command of [
      ["migrate"],
      ["baseline", "001"],
      ["repair", "001", "--mark", "applied"],
      ["install"],
    ]
  ) {
    const { code, stderr } = await workspace.run(command);
    assert.equal(code, 2, command.join(" "));
    assert.match(stderr, REFUSAL);
    assert.match(stderr, /gone to abcdefghijklmnopqrst \(2026-11-20\), not to/);
  }
  assert.equal(hosted.requests, 0);

  const { code, stderr } = await workspace.run(["migrate", "--yes"]);
  assert.equal(code, 0, stderr);
  assert.deepEqual(await known(workspace), [ELSEWHERE, hosted.name]);
  assert.equal((await workspace.run(["migrate"])).code, 0, "it is asked about once");
});

Deno.test("on a terminal another project is asked about, once", async () => {
  await using given = await open();
  const { workspace, hosted } = given;
  await goneElsewhere(workspace);
  const question =
    /So far [^]* have gone to abcdefghijklmnopqrst \(2026-11-20\), not to[^]*Use them with it as well\? \(yes\/no\): /;

  const refused = Terminal.start(workspace, ["migrate"]);
  await refused.see(question);
  refused.type("\r");
  assert.equal(await refused.end(), 2);
  assert.match(refused.text, /Not confirmed: nothing was changed/);
  assert.equal(hosted.requests, 0);
  assert.deepEqual(await known(workspace), [ELSEWHERE]);

  const agreed = Terminal.start(workspace, ["migrate"]);
  await agreed.see(question);
  agreed.type("yes\r");
  assert.equal(await agreed.end(), 0, agreed.text);
  assert.deepEqual(await known(workspace), [ELSEWHERE, hosted.name]);

  const again = await workspace.run(["migrate"]);
  assert.deepEqual([again.code, again.stderr], [0, ""]);
});

Deno.test("a project of which the name is typed is not asked about as well", async () => {
  await using given = await open();
  const { workspace, hosted } = given;
  await workspace.run(["migrate"]);
  await Deno.remove(`${workspace.path}/.supamigrate`, { recursive: true });
  await goneElsewhere(workspace);

  const terminal = Terminal.start(workspace, ["rollback"]);
  await terminal.see(/Type the project's name \(0\.0\.0\.0:\d+\) to continue: /);
  assert.doesNotMatch(terminal.text, /So far/);
  terminal.type(`${hosted.name}\r`);
  assert.equal(await terminal.end(), 0, terminal.text);
  assert.deepEqual(await known(workspace), [ELSEWHERE, hosted.name]);
});

Deno.test("nothing is remembered of what failed, was tried out, or had nothing to undo", async () => {
  await using given = await open();
  const { workspace } = given;
  assert.equal((await workspace.run(["migrate", "--dry-run"])).code, 0);
  assert.equal((await workspace.run(["rollback"])).code, 0);
  await workspace.write("002_b.sql", "select 1 / 0;");
  assert.equal((await workspace.run(["migrate"])).code, 1);
  assert.deepEqual(await known(workspace), []);

  await goneElsewhere(workspace);
  assert.equal((await workspace.run(["migrate", "--dry-run"])).code, 0, "a dry run asks nothing");
});

Deno.test("what is on this machine is neither remembered nor asked about", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
  });
  await goneElsewhere(workspace);
  for (const args of [["migrate"], ["migrate", "--embedded"]]) {
    const { code, stderr } = await workspace.run(args);
    assert.deepEqual([code, stderr], [0, ""]);
  }
  assert.deepEqual(await known(workspace), [ELSEWHERE]);
});

Deno.test("each folder has projects of its own", async () => {
  await using given = await open();
  const { workspace, hosted } = given;
  await goneElsewhere(workspace);
  await Deno.rename(`${workspace.path}/migrations`, `${workspace.path}/others`);
  assert.equal((await workspace.run(["migrate", "--dir", "others"])).code, 0);
  assert.deepEqual(await known(workspace, "others"), [hosted.name]);
  assert.deepEqual(await known(workspace), [ELSEWHERE]);
});

Deno.test("where nothing can be remembered, --verbose says so, and nothing fails", async () => {
  await using given = await open();
  const { workspace } = given;
  await Deno.writeTextFile(`${workspace.path}/.supamigrate`, "no folder");
  const quiet = await workspace.run(["migrate"]);
  assert.deepEqual([quiet.code, quiet.stderr], [0, ""]);
  const verbose = await workspace.run(["migrate", "--verbose"]);
  assert.equal(verbose.code, 0);
  assert.match(verbose.stderr, /Cannot remember the project in \.supamigrate\/projects\.json: /);
});

Deno.test("a file that somebody else wrote is not believed, and not printed", async () => {
  await using given = await open();
  const { workspace, hosted } = given;
  await Deno.mkdir(`${workspace.path}/.supamigrate`);
  for (
    const content of [
      "{",
      "null",
      "[]",
      '{"migrations": {}}',
      '{"migrations": [null, 1, {"name": "\\u001b[31m", "since": "2026-11-20"}]}',
      '{"migrations": [{"name": "abc", "since": "\\u001b[31m"}]}',
    ]
  ) {
    await Deno.writeTextFile(pathIn(workspace), content);
    const { code, stderr } = await workspace.run(["migrate"]);
    assert.deepEqual([code, stderr], [0, ""], content);
    assert.deepEqual(await known(workspace), [hosted.name], content);
  }
});

Deno.test("what is remembered is written through no link that lies beside it", async () => {
  const folder = await Deno.makeTempDir({ prefix: "supamigrate-known-" });
  const own = `${folder}/own.txt`;
  const place = `${folder}/.supamigrate`;
  try {
    await Deno.writeTextFile(own, "mine");
    await Deno.mkdir(place);
    for (const end of [Deno.pid, "new", "tmp"]) {
      await Deno.symlink(own, `${place}/projects.json.${end}`);
    }
    const silent = { write: () => {} };
    const reporter = new Reporter(silent, silent, {
      json: false,
      quiet: true,
      verbose: false,
      color: false,
    });
    const target = { kind: "project", name: ELSEWHERE, url: "https://example.com" } as const;
    await new ProjectMemory("migrations", target, reporter, false, folder).remember();
    assert.equal(await Deno.readTextFile(own), "mine");
    assert.ok((await Deno.lstat(`${place}/projects.json`)).isFile);
    assert.match(await Deno.readTextFile(`${place}/projects.json`), new RegExp(ELSEWHERE));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
