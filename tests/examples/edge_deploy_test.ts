import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { type EdgeFunction, startEdgeFunction } from "../support/edge.ts";
import { describeTest, findMissing } from "../support/programs.ts";
import { type Project, startStack } from "../support/stack.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const missing = await findMissing(["curl", "jq"]);
const test = (name: string, body: () => Promise<void>) =>
  Deno.test(describeTest(name, body, missing));

/** A repository like the example, with its project, and a machine that runs its workflow. */
class Runner implements AsyncDisposable {
  readonly #resources = new AsyncDisposableStack();
  #function: EdgeFunction | undefined;
  /** What `supabase` was called with. */
  readonly deployed: string[] = [];
  /** How often the function was called. */
  calls = 0;
  /** How many calls the platform ends before they do anything. */
  overLimit = 0;

  private constructor(
    readonly folder: string,
    readonly project: Project,
    readonly variables: Readonly<Record<string, string>>,
  ) {}

  static async create(variables: Readonly<Record<string, string>> = {}): Promise<Runner> {
    const folder = await Deno.realPath(await Deno.makeTempDir({ prefix: "supamigrate-deploy-" }));
    const project = await stack.createProject({ installed: true, listens: false });
    await project.sql("create table public.in_use ()"); // each migration goes by itself then
    const runner = new Runner(folder, project, variables);
    runner.#resources.defer(() => Deno.remove(folder, { recursive: true }));
    runner.#resources.use(project);
    await runner.#open();
    return runner;
  }

  /** Stands in for the platform: deploys, and leads to what is deployed. */
  async #open(): Promise<void> {
    const server = this.#resources.use(
      Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, async (request) => {
        const { pathname } = new URL(request.url);
        if (pathname === "/deploy") {
          this.deployed.push(await request.text());
          await this.#function?.[Symbol.asyncDispose]();
          this.#function = await startEdgeFunction(
            `${this.folder}/supabase/functions/migrate/index.ts`,
            {
              SUPABASE_URL: this.project.url,
              SUPABASE_SERVICE_ROLE_KEY: this.project.serviceKey,
              ...this.variables,
            },
          );
          return new Response();
        }
        assert.equal(pathname, "/functions/v1/migrate");
        this.calls++;
        if (this.overLimit-- > 0) {
          const message = "Function failed due to not having enough compute resources";
          return Response.json({ code: "WORKER_LIMIT", message }, { status: 546 });
        }
        const { method, headers } = request;
        const body = method === "POST" ? { body: await request.text() } : {};
        return await fetch(this.#function!.url, { method, headers, ...body });
      }),
    );
    this.#resources.defer(async () => await this.#function?.[Symbol.asyncDispose]());
    const url = `http://127.0.0.1:${server.addr.port}`;
    await copy(`${ROOT}examples/edge-function`, this.folder);
    await Deno.mkdir(`${this.folder}/bin`);
    await this.#program("supabase", `curl --silent --fail --data "$*" ${url}/deploy`);
    // What npx would find in the registry is this repository.
    await this.#program(
      "npx",
      `[[ "$1 $2" == "--yes supamigrate@"* ]] || exit 2
shift 2
exec "${Deno.execPath()}" run --quiet --allow-all "${ROOT}cli.ts" "$@"`,
    );
    this.#environment = {
      SUPABASE_URL: url,
      SUPABASE_PROJECT_ID: "abcdefghijklmnopqrst",
      SUPABASE_SERVICE_KEY: this.project.serviceKey,
    };
  }

  #environment: Record<string, string> = {};

  async #program(name: string, text: string): Promise<void> {
    const path = `${this.folder}/bin/${name}`;
    await Deno.writeTextFile(path, `#!/usr/bin/env bash\n${text}\n`);
    await Deno.chmod(path, 0o755);
  }

  /** Runs the steps of the workflow as they stand, up to the first that fails. */
  async run(): Promise<{ failedStep: string | null; output: string }> {
    const { jobs } = parse(await Deno.readTextFile(`${ROOT}examples/edge-deploy.yml`));
    let output = "";
    for (const { name, run } of jobs.migrate.steps) {
      if (run === undefined) continue;
      const { code, stdout, stderr } = await new Deno.Command("bash", {
        args: ["-e", "-c", run],
        cwd: this.folder,
        clearEnv: true,
        env: {
          HOME: Deno.env.get("HOME") ?? this.folder,
          NO_COLOR: "1",
          PATH: `${this.folder}/bin:${Deno.env.get("PATH")}`,
          ...this.#environment,
        },
      }).output();
      output += new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
      if (code !== 0) return { failedStep: name, output };
    }
    return { failedStep: null, output };
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#resources.disposeAsync();
  }
}

async function copy(from: string, to: string): Promise<void> {
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (!isDirectory) {
      await Deno.copyFile(`${from}/${name}`, `${to}/${name}`);
      continue;
    }
    await Deno.mkdir(`${to}/${name}`);
    await copy(`${from}/${name}`, `${to}/${name}`);
  }
}

test("the example's workflow bundles, deploys, and calls until all is applied", async () => {
  await using runner = await Runner.create({ MIGRATION_SHARE: "1" });
  runner.overLimit = 1;
  const { failedStep, output } = await runner.run();
  assert.equal(failedStep, null, output);
  assert.deepEqual(runner.deployed, [
    "functions deploy migrate --no-verify-jwt --project-ref abcdefghijklmnopqrst",
  ]);
  assert.match(output, /The share of this request is done: 1 of 2 migrations/);
  assert.match(output, /not having enough compute resources/);
  assert.equal(runner.calls, 4);
  assert.deepEqual(
    await runner.project.sql("select migration_name from supamigrate.migration_history order by 1"),
    ["20260105090000_notes.sql", "20260112090000_authors.sql"].map((name) => ({
      migration_name: name,
    })),
  );
  assert(!output.includes(runner.project.serviceKey));
});

test("the example's workflow fails where a migration fails, and says why", async () => {
  await using runner = await Runner.create();
  await Deno.writeTextFile(
    `${runner.folder}/supabase/migrations/20260119090000_wrong.sql`,
    "alter table public.nothing add column a int;",
  );
  const { failedStep, output } = await runner.run();
  assert.equal(failedStep, "Run Database Migrations", output);
  assert.match(output, /relation \\"public\.nothing\\" does not exist/);
  assert.match(output, /::error::The migrations are not applied \(HTTP 422\)/);
});
