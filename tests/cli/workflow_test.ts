import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const GOOD = { "001_a.sql": "create table a (id int);\n", "002_b.sql": "select 1;\n" };
const BAD = { "001_a.sql": "create table a (id int);\n", "002_b.sql": "select 1/0;\n" };

interface Step {
  readonly name?: string;
  readonly run?: string;
}

/** A runner's folder: a repository with migrations, and the programs that steps call. */
class Runner implements AsyncDisposable {
  private constructor(readonly path: string) {}

  static async create(migrations: Readonly<Record<string, string>>): Promise<Runner> {
    const runner = new Runner(await Deno.makeTempDir({ prefix: "supamigrate-runner-" }));
    for (const folder of ["bin", "repository/migrations"]) {
      await Deno.mkdir(`${runner.path}/${folder}`, { recursive: true });
    }
    for (const [name, sql] of Object.entries(migrations)) {
      await Deno.writeTextFile(`${runner.path}/repository/migrations/${name}`, sql);
    }
    // Stands for the package of that version: this clone is what it is made of.
    await runner.#program(
      "npx",
      `[ "$1" = --yes ] || exit 90\ncase "$2" in supamigrate@[0-9]*) ;; *) exit 91 ;; esac\n` +
        `shift 2\nexec "${Deno.execPath()}" run -A --no-check "${ROOT}cli.ts" "$@"`,
    );
    await runner.#program("gh", `printf '%s\\n' "$@" > "${runner.path}/gh"`);
    return runner;
  }

  async #program(name: string, body: string): Promise<void> {
    await Deno.writeTextFile(`${this.path}/bin/${name}`, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }

  /** Runs a step's text as a runner does. */
  async run(text: string, environment: Readonly<Record<string, string>> = {}): Promise<number> {
    const { code } = await new Deno.Command("bash", {
      args: ["--noprofile", "--norc", "-eo", "pipefail", "-c", text],
      cwd: `${this.path}/repository`,
      clearEnv: true,
      env: {
        PATH: `${this.path}/bin:${Deno.env.get("PATH")}`,
        HOME: Deno.env.get("HOME") ?? "",
        CI: "true",
        GITHUB_ACTIONS: "true",
        GITHUB_OUTPUT: `${this.path}/output`,
        GITHUB_STEP_SUMMARY: `${this.path}/summary`,
        ...environment,
      },
      stdin: "null",
    }).output();
    return code;
  }

  /** Reads a file beside the repository, or in it. */
  read(name: string): Promise<string> {
    return Deno.readTextFile(`${this.path}/${name}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

async function actionText(): Promise<string> {
  const { runs } = parse(await Deno.readTextFile(`${ROOT}action.yml`)) as {
    runs: { steps: Step[] };
  };
  return runs.steps[0]?.run ?? "";
}

const INPUTS = {
  INPUT_COMMAND: "migrate",
  INPUT_ARGUMENTS: "--embedded\n--yes",
  INPUT_VERSION: "0.1.0",
  ACTION_FOLDER: ROOT,
};

Deno.test("the action migrates, and gives the result as an output and a table", async () => {
  await using runner = await Runner.create(GOOD);
  assert.equal(await runner.run(await actionText(), INPUTS), 0);
  const [, , json = ""] = /^result<<(.+)\n([^]+)\n\1\n$/.exec(await runner.read("output")) ?? [];
  assert.equal(JSON.parse(json).migrationsRun, 2);
  const summary = await runner.read("summary");
  assert.match(summary, /^### supamigrate: done\n/);
  assert.match(summary, /^\| 001&#95;a\.sql \| done \| \d+ ms \|$/m);
});

Deno.test("the action fails as the migration does, and its table says how", async () => {
  await using runner = await Runner.create(BAD);
  assert.equal(await runner.run(await actionText(), INPUTS), 1);
  const summary = await runner.read("summary");
  assert.match(summary, /^### supamigrate: exit code 1\n/);
  assert.match(summary, /^\| 002&#95;b\.sql \| failed&#58; division by zero \|/m);
});

Deno.test("the action reads no input as shell", async () => {
  await using runner = await Runner.create(GOOD);
  const code = await runner.run(await actionText(), {
    ...INPUTS,
    INPUT_ARGUMENTS: "--embedded $(touch shell) ; touch shell",
  });
  assert.equal(code, 2);
  await assert.rejects(runner.read("repository/shell"), Deno.errors.NotFound);
});

async function pullRequestSteps(): Promise<Step[]> {
  const { jobs } = parse(await Deno.readTextFile(`${ROOT}examples/pull-request.yml`)) as {
    jobs: { plan: { steps: Step[] } };
  };
  return jobs.plan.steps.filter(({ run }) => run !== undefined);
}

Deno.test("the pull request's workflow comments the plan", async () => {
  await using runner = await Runner.create(GOOD);
  for (const { name, run = "" } of await pullRequestSteps()) {
    assert.equal(await runner.run(run, { PULL_REQUEST: "https://example.com/pull/1" }), 0, name);
  }
  assert.equal(
    await runner.read("gh"),
    "pr\ncomment\nhttps://example.com/pull/1\n--body-file\ncomment.md\n",
  );
  assert.match(await runner.read("repository/comment.md"), /^ {4}.*001_a\.sql/m);
});

Deno.test("the pull request's workflow fails where a migration does", async () => {
  await using runner = await Runner.create(BAD);
  const [plan, apply] = await pullRequestSteps();
  assert.equal(await runner.run(plan?.run ?? ""), 0);
  assert.equal(await runner.run(apply?.run ?? ""), 1);
});
