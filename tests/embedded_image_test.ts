import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { PGlite } from "@electric-sql/pglite";
import { pgcrypto } from "@electric-sql/pglite/contrib/pgcrypto";
import { uuid_ossp } from "@electric-sql/pglite/contrib/uuid_ossp";

import { openEmbedded } from "../lib/embedded/open.ts";
import { QUICK_WASM } from "./support/cli.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "embedded-image-"));
  try {
    await test(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Opens a new database in a process of its own, whose cache directory is in the folder. */
async function openElsewhere(folder: string, name: string): Promise<void> {
  const module = new URL("../lib/embedded/open.ts", import.meta.url).href;
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--no-lock",
      `--config=${new URL("../deno.json", import.meta.url).pathname}`,
      `const { openEmbedded } = await import(${JSON.stringify(module)});
       await using database = await openEmbedded({ path: ${JSON.stringify(join(folder, name))} });
       await database.exec("create table public.t (id uuid default uuid_generate_v4())");`,
    ],
    env: { ...QUICK_WASM, XDG_CACHE_HOME: join(folder, "cache") },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
}

Deno.test("the image of a new database is kept once, whole, and made again where it is damaged", () =>
  withFolder(async (folder) => {
    const cache = join(folder, "cache", "supamigrate");
    // Two at once: neither sees half of what the other writes.
    await Promise.all([openElsewhere(folder, "a"), openElsewhere(folder, "b")]);
    const [image, ...others] = await readdir(cache);
    assert.match(image ?? "", /^platform-[0-9a-f]{24}\.tar\.gz$/);
    assert.deepEqual(others, []);

    const whole = await readFile(join(cache, image!));
    await writeFile(join(cache, image!), whole.subarray(0, whole.length / 2));
    // Those of other versions stay, as these may be in use, but for the oldest.
    const old = ["platform-a.tar.gz", "platform-b.tar.gz", "platform-c.tar.gz"];
    for (const [index, name] of old.entries()) {
      await writeFile(join(cache, name), "");
      await utimes(join(cache, name), 1_000_000 + index, 1_000_000 + index);
    }
    await openElsewhere(folder, "c");
    assert.deepEqual((await readdir(cache)).sort(), [image, old[1], old[2]].sort());
    assert.ok((await readFile(join(cache, image!))).length > whole.length / 2);
    await openElsewhere(folder, "d");
  }));

/** A folder as the first version left it, with a row of a project in it. */
async function makeOldDatabase(path: string, sql: string): Promise<void> {
  await (await openEmbedded({ path })).close();
  await rm(join(path, "data"), { recursive: true });
  const server = await PGlite.create({
    dataDir: join(path, "data"),
    initDbStartParams: ["-U", "supabase_admin", "--wal-segsize=1"],
    extensions: { pgcrypto, uuid_ossp },
  });
  const platform = new URL("testdata/embedded_platform_1/platform.sql", import.meta.url);
  await server.exec(await readFile(platform, "utf8"));
  await server.exec(`set session authorization postgres; ${sql}`);
  await server.close();
  await writeFile(join(path, "database.json"), '{"madeBy":"supamigrate","postgres":18}\n');
}

Deno.test("a database of an earlier version gets what the platform has gained, and keeps its rows", () =>
  withFolder(async (folder) => {
    const path = join(folder, "db");
    await makeOldDatabase(
      path,
      `insert into auth.users (id, email)
         values ('b7c9a1d0-3f52-4c0e-9d4c-6c1d2f0f9a11', 'ada@example.com');
       create table public.kept (token uuid default extensions.uuid_generate_v4());
       insert into public.kept default values;
       alter default privileges in schema public revoke execute on functions from anon;`,
    );
    const stale: string[] = [];
    const onStale = (reason: string) => stale.push(reason);
    for (const _ of ["upgraded", "as it is"]) {
      await using database = await openEmbedded({ path, onStale });
      assert.equal(database.isNew, false);
      await database.exec("insert into public.kept default values");
      const [row] = await database.query(`
        select (select email from auth.users) as email,
               (select count(*) > 1 from public.kept) as kept,
               to_regclass('auth.mfa_factors') is not null as factors,
               to_regprocedure('realtime.send(jsonb, text, text, boolean)') is not null as send,
               (select count(*)::int from vault.secrets) as secrets,
               (select count(*)::int from pg_default_acl, aclexplode(defaclacl)
                 where grantee = 'anon'::regrole and defaclnamespace = 'public'::regnamespace
                   and defaclobjtype = 'f' and defaclrole = 'postgres'::regrole) as granted_again`);
      assert.deepEqual(row, {
        email: "ada@example.com",
        kept: true,
        factors: true,
        send: true,
        secrets: 0,
        granted_again: 0,
      });
    }
    assert.deepEqual(stale, []);
  }));

Deno.test("a database that cannot be brought up to date goes on with what it has", () =>
  withFolder(async (folder) => {
    const path = join(folder, "db");
    // A name that the platform has since taken.
    await makeOldDatabase(
      path,
      "create schema vault; create table vault.secrets (mine int); insert into vault.secrets values (1);",
    );
    const stale: string[] = [];
    for (const time of [1, 2]) {
      await using database = await openEmbedded({
        path,
        onStale: (reason) => stale.push(reason),
      });
      assert.deepEqual(await database.query("select mine from vault.secrets"), [{ mine: 1 }]);
      assert.equal(stale.length, time);
      assert.match(stale[time - 1]!, /relation "secrets" already exists/);
    }
  }));
