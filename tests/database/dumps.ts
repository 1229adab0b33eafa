import assert from "node:assert/strict";
import { bareProject, type ServerProject, testOnOneServer } from "../support/projects.ts";

// A dump of a project, restored into another one. The new project's default privileges grant new
// functions to anon and authenticated, and a dump takes nothing from them by name.

const migrations = { "1_a.sql": "create table a (id int);\n-- ROLLBACK\ndrop table a;" };

/** Runs a program of PostgreSQL's, and returns what it prints. */
async function run(program: string, args: readonly string[], input = ""): Promise<string> {
  const child = new Deno.Command(program, {
    args: [...args],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr } = await child.output();
  const text = new TextDecoder().decode(stdout);
  assert.ok(
    !/^pg_dump: error/m.test(new TextDecoder().decode(stderr)),
    new TextDecoder().decode(stderr),
  );
  return text;
}

const [dumpMajor = 0] = (await run("pg_dump", ["--version"])).match(/\d+/)?.map(Number) ?? [];

/** What others than service_role get from exec_sql. */
async function assertRefused(project: ServerProject): Promise<void> {
  const authenticated = await project.keyFor({ role: "authenticated" });
  for (const key of [project.anonKey, authenticated]) {
    const { data, error } = await project.client(key)
      .rpc("exec_sql", { sql_query: "select count(*) from auth.users" });
    assert.deepEqual([data, error?.code], [null, "42501"]);
  }
}

const forms = {
  "as it is": [],
  "without privileges": ["-x"],
  "without owners": ["-O"],
  "with --clean": ["--clean", "--if-exists"],
  "without privileges and owners": ["-x", "-O"],
  "of the schemas public and supamigrate": [
    "-n",
    "public",
    "-n",
    "supamigrate",
  ],
  "without data": ["--schema-only"],
} as const;

for (const [what, options] of Object.entries(forms)) {
  testOnOneServer(
    `a dump ${what} opens exec_sql to nobody where it is restored`,
    async (project) => {
      // pg_dump reads no server that is newer than itself.
      if (project.stack.major > dumpMajor) return;
      const source = await project.stack.createProject();
      try {
        const { INSTALL_SCRIPT } = await import("../../lib/database/bootstrap.ts");
        await using owner = await source.connect();
        await owner.sql(INSTALL_SCRIPT);
        const dump = await run("pg_dump", [...options, source.databaseUrl]);
        assert.match(dump, /CREATE FUNCTION public\.exec_sql/);

        await run("psql", ["-X", "-q", project.databaseUrl], dump);
        await project.reloadSchema();
        await assertRefused(project);

        const direct = project.migrator(migrations, { databaseUrl: project.databaseUrl });
        const before = await direct.doctor();
        const open = before.findings.find(({ check }) => check === "callers");
        assert.match(
          open?.mend.sql ?? "",
          /revoke execute on function public\.exec_sql\(.*\) from /,
        );
        const migrator = project.migrator(migrations);
        // Where the rows are missing as well, the tracking schema is taken for an old one, and mended.
        if (what !== "without data") await assert.rejects(migrator.migrate(), /can run any SQL/);
        await direct.install();
        assert.equal((await migrator.migrate()).success, true);
        await assertRefused(project);
        const { findings } = await direct.doctor();
        assert.deepEqual(findings.filter(({ check }) => check === "callers"), []);
      } finally {
        await source[Symbol.asyncDispose]();
      }
    },
    { ...bareProject, own: true },
    15,
  );
}
