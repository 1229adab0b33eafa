import assert from "node:assert/strict";
import { VERSION } from "../../mod.ts";
import { RepositoryFolder } from "../support/repository.ts";
import { type Project, startStack } from "../support/stack.ts";
import { readYaml, runSteps, type StepsResult } from "../support/workflow.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const GOOD = {
  "001_notes.sql": "create table notes (id int);\nalter table notes enable row level security;\n" +
    "-- ROLLBACK\ndrop table notes;\n",
};
const BAD = { ...GOOD, "002_bad|name.sql": "select 1;\nselect * from nowhere;\n" };

Deno.test("the workflows and the action name the version that this is", async () => {
  const root = new URL("../../", import.meta.url);
  const files = ["deploy", "pull-request", "edge-deploy"].map((name) => `examples/${name}.yml`);
  for (const file of [...files, "action.yml", "docs/workflows.md"]) {
    const text = await Deno.readTextFile(new URL(file, root));
    const named = [...text.matchAll(/supamigrate@v?(\d[\w.-]*)|^ +default: (\d+\.\d+\.\d+)$/gm)]
      .map(([, used, byDefault]) => used ?? byDefault);
    assert.notDeepEqual(named, [], file);
    assert.deepEqual(named.filter((version) => version !== VERSION), [], file);
  }
});

/** What `init --workflow` makes of a repository. */
const initialFiles = await (async () => {
  await using repository = await RepositoryFolder.create({
    ".git/HEAD": "ref: refs/heads/main\n",
    "package.json": '{ "dependencies": {} }\n',
  });
  const { code, stderr } = await repository.run(["init", "--workflow", "--yes"]);
  assert.equal(code, 0, stderr);
  const found = Object.entries(await repository.list());
  return Object.fromEntries(found.filter(([path]) => !path.endsWith("/")));
})();

/** A repository made by `init --workflow`, with migrations. */
function initialized(migrations: Readonly<Record<string, string>>): Promise<RepositoryFolder> {
  const ours = Object.entries(migrations).map(([name, sql]) => [`migrations/${name}`, sql]);
  return RepositoryFolder.create({ ...initialFiles, ...Object.fromEntries(ours) });
}

function expressionsOf(project: Project): Record<string, string> {
  return {
    "vars.SUPABASE_URL": project.url,
    "secrets.SUPABASE_SERVICE_KEY": project.serviceKey,
  };
}

Deno.test("init --workflow writes examples/deploy.yml, which names this version everywhere", async () => {
  await using repository = await initialized({});
  const example = new URL("../../examples/deploy.yml", import.meta.url);
  assert.equal(
    await repository.read(".github/workflows/migrate.yml"),
    await Deno.readTextFile(example),
  );
  for (const path of ["examples/deploy.yml", "examples/pull-request.yml", "action.yml"]) {
    const text = await Deno.readTextFile(new URL(`../../${path}`, import.meta.url));
    const versions = [...text.matchAll(/supamigrate@v?([\d.]+)|default: (\d[\d.]*)$/gm)];
    assert(versions.length > 0, path);
    for (const [, named, standard] of versions) assert.equal(named ?? standard, VERSION, path);
  }
  // What stands in shell text as an expression is run as shell text, whoever wrote it.
  for (const path of ["examples/deploy.yml", "examples/pull-request.yml", "action.yml"]) {
    const { jobs, runs } = await readYaml(path);
    for (const { steps } of jobs === undefined ? [runs] : Object.values<typeof runs>(jobs)) {
      for (const { run = "" } of steps) assert.doesNotMatch(run, /\$\{\{/, path);
    }
  }
});

Deno.test("the workflow of init migrates, and its last step holds", async () => {
  await using project = await stack.createProject({ installed: true, listens: false });
  await using repository = await initialized(GOOD);
  const { env, steps } = (await readYaml("examples/deploy.yml")).jobs.migrate;
  const result = await runSteps(steps, env, {
    folder: repository.path,
    expressions: expressionsOf(project),
  });
  assert.deepEqual(result.steps.map(({ name, code }) => [name, code]), [
    ["Run Database Migrations", 0],
    ["Verify Migration Success", 0],
  ], JSON.stringify(result.steps));
  const host = new URL(project.url).host;
  assert.match(result.steps[0]!.output, new RegExp(`Project ${host} \\(SUPABASE_URL in the env`));
  assert.deepEqual(await project.sql("select count(*)::int from notes"), [{ count: 0 }]);
});

Deno.test("the workflow of init fails where a migration does, with the error at its line", async () => {
  await using project = await stack.createProject({ installed: true, listens: false });
  await using repository = await initialized(BAD);
  const { env, steps } = (await readYaml("examples/deploy.yml")).jobs.migrate;
  const result = await runSteps(steps, env, {
    folder: repository.path,
    expressions: expressionsOf(project),
  });
  assert.deepEqual(result.steps.map(({ code }) => code), [1]);
  assert.match(result.steps[0]!.output, /^::error file=migrations\/002_bad.*line=2/m);

  const unset = await runSteps(steps, env, {
    folder: repository.path,
    expressions: { "vars.SUPABASE_URL": "", "secrets.SUPABASE_SERVICE_KEY": "" },
  });
  assert.deepEqual(unset.steps.map(({ code }) => code), [2], "no other database is chosen");
});

/** Runs the action. */
async function runAction(
  repository: RepositoryFolder,
  project: Project,
  command: string,
  given = "",
): Promise<StepsResult & { code: number; document: Record<string, unknown> }> {
  const { inputs, runs } = await readYaml("action.yml");
  const result = await runSteps(runs.steps, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: project.serviceKey,
  }, {
    folder: repository.path,
    expressions: {
      "inputs.command": command,
      "inputs.arguments": given,
      "inputs.version": inputs.version.default,
      "github.action_path": new URL("../..", import.meta.url).pathname,
    },
  });
  const [step] = result.steps;
  assert.match(result.outputs, /^result=.*\n$/, JSON.stringify(step));
  return {
    ...result,
    code: step!.code,
    document: JSON.parse(result.outputs.slice("result=".length)),
  };
}

Deno.test("the action gives its result as JSON, and writes a table into the summary", async () => {
  await using project = await stack.createProject({ installed: true, listens: false });
  await using repository = await initialized(GOOD);
  const planned = await runAction(repository, project, "migrate", "--dry-run");
  assert.match(planned.summary, /\| 001\\_notes\.sql \| not\\_executed \| planned \|/);

  const plan = await runAction(repository, project, "plan", "--out plan.json");
  assert.match(plan.summary, /\| 001\\_notes\.sql \| not\\_executed \| yes \| {2}\|\n/);
  assert.deepEqual(plan.document, JSON.parse(await repository.read("plan.json")));

  const migrated = await runAction(repository, project, "migrate", "--plan plan.json --wait 5");
  assert.deepEqual([migrated.code, migrated.document.migrationsRun], [0, 1]);
  assert.equal(
    migrated.summary,
    `### supamigrate migrate on ${new URL(project.url).host}

| Migration | Reason | Result | Duration |
| --- | --- | --- | --- |
| 001\\_notes.sql | not\\_executed | ✅ applied | N ms |

`.replace("N ms", /[\d,]+ ms/.exec(migrated.summary)![0]),
  );
  const status = await runAction(repository, project, "status", "--check");
  assert.match(status.summary, /✅ Up to date/);
  const undone = await runAction(repository, project, "rollback", "--yes");
  assert.match(undone.summary, /\| 001\\_notes\.sql \|.*\| ↩️ rolled back \|/);
});

Deno.test("the action fails where the command does, and its summary says why", async () => {
  await using project = await stack.createProject({ installed: true, listens: false });
  await using repository = await initialized(BAD);
  const failed = await runAction(repository, project, "migrate");
  assert.deepEqual([failed.code, failed.document.migrationsFailed], [1, 1]);
  assert.match(failed.summary, /✅ applied/);
  assert.match(
    failed.summary,
    /\| 002\\_bad\\\|name\.sql \| .* \| ❌ relation "nowhere" does not exist \(42P01\) in line 2 \|/,
  );
  assert.match(failed.steps[0]!.output, /::error file=/);

  const refused = await runAction(repository, project, "migrate", "--to nowhere");
  assert.equal(refused.code, 2);
  assert.match(refused.summary, /❌ .*nowhere/);
  // No argument is shell text.
  const hostile = await runAction(
    repository,
    project,
    "migrate",
    "--to $(touch\thacked);touch hacked *",
  );
  assert.equal(hostile.code, 2);
  assert(!("hacked" in await repository.list()));
});

/** `gh`, which keeps what it is told; there is a comment already where `COMMENT` is a file. */
const GH = `printf '%s\\n' "$*" >> gh.log
case "$*" in *--paginate*) [ -e commented ] && echo 42 || true ;; esac
`;

Deno.test("the workflow of pull requests applies everything to an embedded database, and comments the plan", async () => {
  await using repository = await initialized(GOOD);
  const { steps } = (await readYaml("examples/pull-request.yml")).jobs.plan;
  const options = {
    folder: repository.path,
    expressions: { "github.token": "no token", "github.event.pull_request.number": "7" },
    programs: { gh: GH },
  };
  const first = await runSteps(steps, {}, options);
  assert.deepEqual(
    first.steps.map(({ code }) => code),
    [0, 0, 0, 0, 0],
    JSON.stringify(first.steps),
  );
  assert.match(
    await repository.read("plan.md"),
    /^<!-- plan of supamigrate -->\n\n### 📋 1 migration [^]*^\| 1 \| `001_notes\.sql` /m,
  );
  assert.match(await repository.read("gh.log"), /^pr comment 7 --body-file plan\.md$/m);

  await repository.write("commented", "");
  await runSteps(steps.slice(-1), {}, options);
  assert.match(
    await repository.read("gh.log"),
    /^api --method PATCH repos\/acme\/shop\/issues\/comments\/42 -F body=@plan\.md$/m,
  );
});

Deno.test("the workflow of pull requests fails where the plan or a migration does", async () => {
  await using unreadable = await initialized({ "001_bad.sql": "create table (;" });
  await using failing = await initialized(BAD);
  const { steps } = (await readYaml("examples/pull-request.yml")).jobs.plan;
  for (const [repository, codes] of [[unreadable, [1]], [failing, [0, 0, 1]]] as const) {
    const result = await runSteps(steps, {}, { folder: repository.path, expressions: {} });
    assert.deepEqual(result.steps.map(({ code }) => code), codes, JSON.stringify(result.steps));
  }
});

Deno.test("the summary names seeds, and says of no command that has failed that it is done", async () => {
  await using project = await stack.createProject({ installed: true, listens: false });
  await using repository = await RepositoryFolder.create({
    "supabase/migrations/001_notes.sql": GOOD["001_notes.sql"],
    "supabase/seed.sql": "insert into notes values (1);\n",
  });
  const failed = await runAction(repository, project, "bundle", "--check");
  assert.equal(failed.code, 1);
  assert.match(failed.summary, /❌ Ended with exit code 1: see the log of the step/);
  assert.equal((await runAction(repository, project, "migrate")).code, 0);
  const { summary } = await runAction(repository, project, "seed");
  assert.match(summary, /\| supabase\/seed\.sql \| {2}\| ✅ applied \|/);
});
