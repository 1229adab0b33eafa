/** The npm package, as its users have it: packed, installed, and run by Node.js and Deno. */

import assert from "node:assert/strict";
import { join } from "node:path";
import manifest from "../../deno.json" with { type: "json" };
import { findEdgeDeno } from "../support/edge.ts";
import { findNode, type Installed, installPackage, succeed } from "../support/npm_package.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
let installing: Promise<Installed> | undefined;
const installed = () => installing ??= installPackage();
Deno.test.afterAll(async () => {
  await (await installing)?.[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
});

const NODES = ["22.23.3", "24.9.0"] as const;

/** Runs the command line in a folder of its own inside the project, with a certain Node.js. */
async function withNode(version: typeof NODES[number]) {
  const { path, run } = await installed();
  const folder = join(path, `with-${version}`);
  await Deno.mkdir(`${folder}/migrations`, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/migrations/001_notes.sql`,
    "create extension if not exists vector with schema extensions;\n" +
      "create table notes (id bigint primary key);\n" +
      "alter table notes enable row level security;\ngrant select on notes to authenticated;\n" +
      "-- ROLLBACK\ndrop table notes;\n",
  );
  const bin = await findNode(version);
  const start = (program: string, args: readonly string[], environment = {}) =>
    run(program, args, {
      cwd: folder,
      environment: { PATH: `${bin}:${Deno.env.get("PATH")}`, ...environment },
    });
  return {
    folder,
    npx: (args: readonly string[]) => start("npx", ["supamigrate", ...args]),
    /** What npx starts, without the second that npx takes. */
    supamigrate: (args: readonly string[], environment = {}) =>
      start(join(path, "node_modules/.bin/supamigrate"), args, environment),
  };
}

for (const version of NODES) {
  Deno.test(`with Node.js ${version} alone, npx runs on the embedded database`, async () => {
    const { npx, supamigrate } = await withNode(version);
    assert.equal(
      (await supamigrate(["--version"])).stdout,
      `supamigrate ${manifest.version}\n`,
    );
    const applied = await npx(["migrate"]);
    assert.equal(applied.stderr, "");
    assert.match(applied.stdout, /✅ 001_notes\.sql - not_executed[^]*✅ Migration completed succ/);
    succeed(await supamigrate(["rollback", "--yes"]));
  });
}

Deno.test("the other commands run as well, and hints name npx", async () => {
  const { folder, npx, supamigrate } = await withNode("22.23.3");
  const pending = await npx(["status", "--check"]);
  assert.equal(pending.code, 1);
  assert.match(pending.stdout, /💡 Run "npx supamigrate migrate" to execute pending migrations/);
  succeed(await supamigrate(["doctor"]));
  succeed(await supamigrate(["create", "more"]));
  assert.equal([...Deno.readDirSync(`${folder}/migrations`)].length, 2);
  succeed(await supamigrate(["bundle", "--out", "function"]));
  succeed(await supamigrate(["report", "--out", "page.html", "--no-shadow"]));
  assert.match(await Deno.readTextFile(join(folder, "page.html")), /001_notes\.sql/);
  const typo = await supamigrate(["migarte"]);
  assert.equal(typo.code, 2);
  assert.match(typo.stderr, /migrate/);
});

Deno.test("with Node.js alone the commands reach a project, and a key is never shown", async () => {
  await using project = await stack.createProject();
  const { supamigrate } = await withNode("22.23.3");
  const settings = { SUPABASE_URL: project.url, SUPABASE_SERVICE_KEY: project.serviceKey };
  succeed(await supamigrate(["install"], { ...settings, DATABASE_URL: project.databaseUrl }));
  const { results } = JSON.parse((await supamigrate(["migrate", "--json"], settings)).stdout);
  assert.equal(results[0].error?.message, 'extension "vector" is not available');
  const direct = { DATABASE_URL: project.databaseUrl, MIGRATION_VIA: "direct" };
  assert.match((await supamigrate(["status"], direct)).stdout, /Pending migrations: \d/);
  const { code, stdout, stderr } = await supamigrate(["status"], {
    ...settings,
    SUPABASE_SERVICE_KEY: `${project.serviceKey}x`,
  });
  assert.equal(code, 2);
  assert.ok(!`${stdout}${stderr}`.includes(project.serviceKey));
});

Deno.test("the README's first commands set up a repository and migrate", async () => {
  const { path, run } = await installed();
  const readme = await Deno.readTextFile(new URL("../../README.md", import.meta.url));
  const [, block] = /^## In your own repository$[^]*?^```sh$([^]*?)^```$/m.exec(readme)!;
  const [init, migrate, ...others] = block!.trim().split("\n").map((line) => line.split(" #")[0]!);
  assert.deepEqual(others, []);
  const folder = join(path, "readme");
  await Deno.mkdir(`${folder}/supabase/migrations`, { recursive: true });
  await Deno.writeTextFile(`${folder}/package.json`, "{}\n");
  await Deno.writeTextFile(`${folder}/supabase/migrations/20260101000000_a.sql`, "select 1;");
  const environment = { PATH: `${await findNode("22.23.3")}:${Deno.env.get("PATH")}` };
  const bash = (line: string) => run("bash", ["-ec", line], { cwd: folder, environment });
  // Nobody is there to be asked.
  const written = succeed(await bash(`${init} --yes`));
  assert.match(written.stdout, /💡 Next: (npm install|npx supamigrate migrate)/);
  const { scripts } = JSON.parse(await Deno.readTextFile(`${folder}/package.json`));
  assert.equal(scripts.migrate, "supamigrate migrate");
  assert.match(succeed(await bash(migrate!)).stdout, /✅ 20260101000000_a\.sql/);
});

const SCRIPT = `
import { createMigrator, MigrationFileError } from "supamigrate";
await using migrator = createMigrator({
  embedded: true,
  migrations: { "001_notes.sql": "create table notes (id int);" },
});
const { success, migrationsRun } = await migrator.migrate();
const broken = createMigrator({ embedded: true, migrations: { "001.sql": "create tabel x" } });
const refused = await broken.migrate().catch((error) => error instanceof MigrationFileError);
await broken.close();
console.log(JSON.stringify({ success, migrationsRun, refused }));
`;

Deno.test("the library runs in Node.js 24, and in this Deno", async () => {
  const { path, run } = await installed();
  await Deno.writeTextFile(`${path}/library.mjs`, SCRIPT);
  const bin = await findNode("24.9.0");
  for (
    const [program, ...args] of [
      [`${bin}/node`, "library.mjs"],
      [Deno.execPath(), "run", "--allow-all", "--node-modules-dir=manual", "library.mjs"],
    ] as const
  ) {
    const { stdout } = succeed(await run(program, args));
    assert.deepEqual(JSON.parse(stdout), { success: true, migrationsRun: 1, refused: true });
  }
});

Deno.test("in the Deno of Supabase's edge runtime the library works on a project", async () => {
  await using project = await stack.createProject();
  const { path, run } = await installed();
  await Deno.writeTextFile(
    `${path}/edge.ts`,
    `import { createMigrator } from "supamigrate";
await using migrator = createMigrator({
  supabaseUrl: Deno.env.get("SUPABASE_URL")!,
  serviceKey: Deno.env.get("SUPABASE_SERVICE_KEY")!,
  databaseUrl: Deno.env.get("DATABASE_URL")!,
  migrations: { "001_notes.sql": "create table notes (id int);\\n-- ROLLBACK\\ndrop table notes;" },
});
await migrator.install();
const { success } = await migrator.migrate();
const { upToDate } = await migrator.status();
console.log(JSON.stringify({ success, upToDate }));
`,
  );
  const { stdout } = succeed(
    await run(
      await findEdgeDeno(),
      ["run", "--allow-env", "--allow-net", "--allow-read", "--node-modules-dir=manual", "edge.ts"],
      {
        environment: {
          SUPABASE_URL: project.url,
          SUPABASE_SERVICE_KEY: project.serviceKey,
          DATABASE_URL: project.databaseUrl,
          DENO_NO_UPDATE_CHECK: "1",
        },
      },
    ),
  );
  assert.deepEqual(JSON.parse(stdout), { success: true, upToDate: true });
});

Deno.test("TypeScript knows what the package declares, with nothing left unchecked", async () => {
  const { path, run } = await installed();
  await Deno.writeTextFile(
    `${path}/typed.ts`,
    `import { createMigrator, type MigrateResult, MigrationFileError } from "supamigrate";
const migrator = createMigrator({ embedded: true, migrations: {} });
const result: MigrateResult = await migrator.migrate({ dryRun: true });
const ran: number = result.migrationsRun;
// @ts-expect-error: it is a boolean
const wrong: string = result.success;
console.log(ran, wrong, MigrationFileError);
`,
  );
  const compiler = `npm:typescript@5.9.3/bin/tsc`;
  succeed(
    await run(Deno.execPath(), [
      ...["run", "--allow-all", "--no-config", compiler, "--noEmit", "--strict"],
      ...[
        "--module",
        "nodenext",
        "--target",
        "es2024",
        "--lib",
        "esnext,dom",
        "typed.ts",
      ],
    ]),
  );
});
