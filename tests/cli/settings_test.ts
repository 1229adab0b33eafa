import assert from "node:assert/strict";
import { RepositoryFolder } from "../support/repository.ts";

const URL_OF_NOBODY = "http://127.0.0.1:9";
const KEY = "sb_secret_for-the-tests-and-nothing-else";
const QUICK = { MIGRATION_GIVE_UP_AFTER: "1" };

/** The line that says which project a command speaks to; no server is there. */
async function told(
  repository: RepositoryFolder,
  environment: Record<string, string> = {},
  folder = ".",
): Promise<string | undefined> {
  const { stdout, stderr } = await repository.run(["status"], {
    folder,
    environment: { ...QUICK, ...environment },
  });
  assert(!`${stdout}${stderr}`.includes(KEY));
  return /^(?:🌐|🧪) .*$/m.exec(stdout)?.[0];
}

Deno.test("settings come from the environment, then .env.local, then .env, and status says from where", async () => {
  await using repository = await RepositoryFolder.create({
    "migrations/001_notes.sql": "select 1;",
    ".env": `SUPABASE_URL=http://127.0.0.1:1\nSUPABASE_SERVICE_KEY=${KEY}\n`,
  });
  assert.equal(await told(repository), "🌐 Project 127.0.0.1:1 (SUPABASE_URL in .env)");
  await repository.write(".env.local", "SUPABASE_URL=http://127.0.0.1:2\n");
  assert.equal(await told(repository), "🌐 Project 127.0.0.1:2 (SUPABASE_URL in .env.local)");
  assert.equal(
    await told(repository, { SUPABASE_URL: URL_OF_NOBODY }),
    "🌐 Project 127.0.0.1:9 (SUPABASE_URL in the environment)",
  );
  await repository.write(
    "other.env",
    `SUPABASE_URL=http://127.0.0.1:3\nSUPABASE_SERVICE_KEY=${KEY}`,
  );
  const { stdout } = await repository.run(["status", "--env-file", "other.env"], {
    environment: QUICK,
  });
  assert.match(stdout, /^🌐 Project 127\.0\.0\.1:3 \(SUPABASE_URL in other\.env\)$/m);
});

Deno.test("in a folder below a project its settings, migrations and embedded database are found", async () => {
  await using repository = await RepositoryFolder.create({
    "package.json": "{}",
    "supabase/config.toml": "",
    "supabase/migrations/20250101000000_notes.sql": "create table notes ();",
    "supabase/functions/hello/index.ts": "",
    "src/pages/index.ts": "",
  });
  for (const folder of ["src/pages", "supabase", "supabase/migrations", "."]) {
    const { code, stdout, stderr } = await repository.run(["migrate"], { folder });
    assert.equal(code, 0, stderr);
    assert.match(stdout, folder === "src/pages" ? /Migrations run: 1/ : /Nothing to migrate/);
  }
  const created = await repository.run(["create", "more"], { folder: "src" });
  assert.match(created.stdout, /repository\/supabase\/migrations\/\d+_more\.sql/);
  assert(!("src/pages/.supamigrate/" in await listFolders(repository)));

  await repository.write(
    ".env.local",
    `SUPABASE_URL=${URL_OF_NOBODY}\nSUPABASE_SERVICE_KEY=${KEY}\n`,
  );
  assert.equal(
    await told(repository, {}, "src/pages"),
    "🌐 Project 127.0.0.1:9 (SUPABASE_URL in ../../.env.local)",
  );
});

/** The folders of a repository, without looking into the database's files. */
async function listFolders({ path }: RepositoryFolder): Promise<Record<string, true>> {
  const found: Record<string, true> = {};
  for await (const { name } of Deno.readDir(`${path}/src/pages`)) {
    found[`src/pages/${name}/`] = true;
  }
  return found;
}

Deno.test("the search for a project ends at the nearest one, and at a folder that everybody may write to", async () => {
  await using repository = await RepositoryFolder.create({
    ".env": `SUPABASE_URL=${URL_OF_NOBODY}\nSUPABASE_SERVICE_KEY=${KEY}\n`,
    "package.json": "{}",
    "packages/shop/package.json": "{}",
    "packages/shop/src/index.ts": "",
    "shared/package.json": "{}",
    "shared/.env": `SUPABASE_URL=${URL_OF_NOBODY}\nSUPABASE_SERVICE_KEY=${KEY}\n`,
    "shared/mine/index.ts": "",
    "migrations/001.sql": "",
  });
  assert.match(
    await told(repository, {}, "packages/shop/src") ?? "",
    /^🧪 SUPABASE_URL is not set/,
  );
  assert.match(await told(repository, {}, "shared/mine") ?? "", /^🌐 .* \.\.\/\.env\)$/);
  await Deno.chmod(`${repository.path}/shared`, 0o1777);
  assert.match(await told(repository, {}, "shared/mine") ?? "", /^🧪 SUPABASE_URL is not set/);
});

Deno.test("a website's URL names the project, its key does not open it", async () => {
  await using repository = await RepositoryFolder.create({
    "migrations/001_notes.sql": "select 1;",
    ".env.local": `NEXT_PUBLIC_SUPABASE_URL=${URL_OF_NOBODY}\n` +
      `NEXT_PUBLIC_SUPABASE_ANON_KEY=${KEY}\nNEXT_PUBLIC_SUPABASE_SERVICE_KEY=${KEY}\n`,
  });
  const { code, stderr } = await repository.run(["status"]);
  assert.equal(code, 2);
  assert.match(
    stderr,
    /NEXT_PUBLIC_SUPABASE_URL in \.env\.local names the project "127\.0\.0\.1:9", and no service key is set\n.*Set SUPABASE_SERVICE_KEY.*--embedded/,
  );
  assert.equal((await repository.run(["status", "--embedded"])).code, 0);
  assert.equal(
    await told(repository, { SUPABASE_SERVICE_KEY: KEY }),
    "🌐 Project 127.0.0.1:9 (NEXT_PUBLIC_SUPABASE_URL in .env.local)",
  );
});

Deno.test("status and migrate name their project in JSON too", async () => {
  await using repository = await RepositoryFolder.create({ "migrations/001.sql": "select 1;" });
  for (const command of ["migrate", "status"]) {
    const { stdout } = await repository.run([command, "--embedded", "--json"]);
    assert.deepEqual(JSON.parse(stdout).target, {
      kind: "embedded",
      name: ".supamigrate/db",
      url: "the embedded database",
      namedBy: null,
    });
  }
});

Deno.test("--allow-http and MIGRATION_ALLOW_HTTP take http:// to a container, which is refused without", async () => {
  await using repository = await RepositoryFolder.create({ "migrations/001.sql": "select 1;" });
  const environment = {
    ...QUICK,
    SUPABASE_URL: "http://kong.internal:8000",
    SUPABASE_SERVICE_KEY: KEY,
  };
  const refused = await repository.run(["status"], { environment });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /has to begin with https:\/\/[^]*--allow-http/);
  const allowed = [
    await repository.run(["status", "--allow-http"], { environment }),
    await repository.run(["status"], {
      environment: { ...environment, MIGRATION_ALLOW_HTTP: "true" },
    }),
  ];
  for (const { code, stdout } of allowed) {
    assert.deepEqual([code, stdout.includes("🌐 Project kong.internal:8000")], [4, true]);
  }
  const odd = await repository.run(["status"], {
    environment: { ...environment, MIGRATION_ALLOW_HTTP: "yes" },
  });
  assert.match(odd.stderr, /MIGRATION_ALLOW_HTTP has to be true or false, not "yes"/);
});
