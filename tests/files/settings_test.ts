import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { ConfigurationError } from "../../lib/errors.ts";
import type { MigratorOptions } from "../../lib/migrator.ts";
import type { Environment } from "../../lib/setting_names.ts";
import { type GlobalFlags, resolveSettings, type Settings } from "../../lib/settings.ts";

const url = "https://abcdefghijklmnopqrst.supabase.co";
const key = "sb_secret_for-the-tests-and-nothing-else";

/** Runs a test with the path of a file for settings, which is not there yet. */
async function withEnvFile(test: (envFile: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "settings-"));
  try {
    await test(join(folder, ".env"));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Settings without those that this process and its folder have, and the secrets among them. */
async function settingsOf(
  environment: Environment,
  flags: GlobalFlags = {},
  envText = "OTHER=1\n",
): Promise<Settings & { secrets: string[] }> {
  let settings: Settings | undefined;
  const secrets: string[] = [];
  await withEnvFile(async (envFile) => {
    await writeFile(envFile, envText);
    settings = await resolveSettings(
      environment,
      { dir: "migrations", envFile, ...flags },
      (found) => secrets.push(...found),
    );
  });
  return { ...settings!, secrets };
}

async function optionsOf(...given: Parameters<typeof settingsOf>): Promise<MigratorOptions> {
  return (await settingsOf(...given)).options;
}

/** What settings are refused with; the error holds no key. */
async function refusalOf(...given: Parameters<typeof settingsOf>): Promise<ConfigurationError> {
  let refusal: unknown;
  await assert.rejects(settingsOf(...given), (error) => {
    refusal = error;
    return true;
  });
  assert(refusal instanceof ConfigurationError, String(refusal));
  assert(!`${refusal.message} ${refusal.hint} ${refusal.cause}`.includes(key));
  return refusal;
}

Deno.test("resolveSettings() uses the embedded database where nothing is set, and says so", async () => {
  const { options, embeddedNote, secrets } = await settingsOf({});
  assert.equal(options.embedded, ".supamigrate/db");
  assert.equal(options.supabaseUrl, undefined);
  assert.equal(options.migrations, "migrations");
  assert.equal(
    embeddedNote,
    "SUPABASE_URL is not set: using the embedded database in .supamigrate/db",
  );
  assert.deepEqual(secrets, []);
});

Deno.test("resolveSettings() uses the embedded database where it is asked for, and needs not say so", async () => {
  const cases = [[true, ".supamigrate/db"], ["elsewhere", "elsewhere"]] as const;
  for (const [embedded, path] of cases) {
    for (
      const environment of [{}, { CI: "true" }, { SUPABASE_URL: url, SUPABASE_SERVICE_KEY: key }]
    ) {
      const { options, embeddedNote } = await settingsOf(environment, { embedded });
      assert.equal(options.embedded, path);
      assert.equal(options.supabaseUrl, undefined);
      assert.equal(options.serviceKey, undefined);
      assert.equal(embeddedNote, null);
    }
  }
});

Deno.test("resolveSettings() takes the project from the environment", async () => {
  const { options, embeddedNote, secrets } = await settingsOf({
    SUPABASE_URL: url,
    SUPABASE_SERVICE_KEY: key,
    SUPABASE_ACCESS_TOKEN: "sbp_for-the-tests",
    DATABASE_URL: "postgresql://postgres:hunter2@localhost/postgres",
    MIGRATION_LOCK_TIMEOUT: "60000",
    MIGRATION_BATCH_SIZE: "10",
    MIGRATION_REQUEST_TIMEOUT: "2000",
    MIGRATION_GIVE_UP_AFTER: "3000",
  });
  assert.equal(options.supabaseUrl, url);
  assert.equal(options.serviceKey, key);
  assert.equal(options.accessToken, "sbp_for-the-tests");
  assert.equal(options.databaseUrl, "postgresql://postgres:hunter2@localhost/postgres");
  assert.equal(options.lockTimeoutMs, 60_000);
  assert.equal(options.batchSize, 10);
  assert.equal(options.requestTimeoutMs, 2_000);
  assert.equal(options.giveUpAfterMs, 3_000);
  assert.equal(options.embedded, undefined);
  assert.equal(embeddedNote, null);
  for (const secret of [key, options.accessToken!, options.databaseUrl!]) {
    assert(secrets.includes(secret));
  }
});

Deno.test("resolveSettings() takes limits from flags before it takes them from the environment", async () => {
  const environment = {
    SUPABASE_URL: "",
    MIGRATION_TABLE_LOCK_TIMEOUT: "500ms",
    MIGRATION_LOCK_RETRIES: "0",
    MIGRATION_STATEMENT_TIMEOUT: "10min",
  };
  assert.deepEqual((await settingsOf(environment)).options.limits, {
    lockTimeoutMs: 500,
    lockRetries: 0,
    statementTimeoutMs: 600_000,
  });
  const flags = { lockTimeout: "1s", lockRetries: 9, statementTimeout: "0" };
  assert.deepEqual((await settingsOf(environment, flags)).options.limits, {
    lockTimeoutMs: 1000,
    lockRetries: 9,
    statementTimeoutMs: 0,
  });
  assert.equal((await settingsOf({})).options.limits, undefined);
  const refused = (wrong: Record<string, string>, given = {}) =>
    assert.rejects(settingsOf({ ...environment, ...wrong }, given), { name: "ConfigurationError" });
  await refused({ MIGRATION_TABLE_LOCK_TIMEOUT: "5" });
  await refused({ MIGRATION_LOCK_RETRIES: "often" });
  await refused({}, { lockTimeout: "2 weeks" });
  await refused({}, { lockRetries: -1 });
});

Deno.test("resolveSettings() tells all secrets, also those that are not used or in another's shadow", async () => {
  const names = ["SUPABASE_JWT_SECRET", "SUPABASE_DB_PASSWORD", "PGPASSWORD", "SUPABASE_DB_URL"];
  const { secrets } = await settingsOf(
    {
      SUPABASE_URL: url,
      SUPABASE_SERVICE_KEY: key,
      SUPABASE_SECRET_KEYS: JSON.stringify({ ci: "sb_secret_one-of-many", default: "another-one" }),
      ...Object.fromEntries(names.map((name) => [name, `value of ${name}`])),
    },
    {},
    "SUPABASE_SERVICE_KEY=in-the-file\nDATABASE_URL=postgresql://a:b@c/d\n",
  );
  for (
    const secret of [
      key,
      "sb_secret_one-of-many",
      "another-one",
      ...names.map((name) => `value of ${name}`),
      "in-the-file",
      "postgresql://a:b@c/d",
    ]
  ) assert(secrets.includes(secret), secret);
});

Deno.test("resolveSettings() leaves to the library what is not set", async () => {
  const options = await optionsOf({ SUPABASE_URL: url });
  for (const name of ["serviceKey", "accessToken", "databaseUrl", "lockTimeoutMs", "batchSize"]) {
    assert(!(name in options), name);
  }
});

const keyNames: Record<string, Environment> = {
  SUPABASE_SERVICE_KEY: { SUPABASE_SERVICE_KEY: key },
  SUPABASE_SERVICE_ROLE_KEY: { SUPABASE_SERVICE_ROLE_KEY: key },
  SUPABASE_SECRET_KEY: { SUPABASE_SECRET_KEY: key },
  "the default of SUPABASE_SECRET_KEYS": {
    SUPABASE_SECRET_KEYS: JSON.stringify({ ci: "sb_secret_other", default: key }),
  },
  "the only one of SUPABASE_SECRET_KEYS": { SUPABASE_SECRET_KEYS: JSON.stringify({ ci: key }) },
  "SUPABASE_SERVICE_KEY, before all others": {
    SUPABASE_SERVICE_KEY: key,
    SUPABASE_SERVICE_ROLE_KEY: "second",
    SUPABASE_SECRET_KEY: "third",
    SUPABASE_SECRET_KEYS: '{"default":"fourth"}',
  },
  "SUPABASE_SERVICE_ROLE_KEY, before SUPABASE_SECRET_KEY": {
    SUPABASE_SERVICE_KEY: "",
    SUPABASE_SERVICE_ROLE_KEY: key,
    SUPABASE_SECRET_KEY: "third",
    SUPABASE_SECRET_KEYS: "not even JSON",
  },
};

for (const [what, environment] of Object.entries(keyNames)) {
  Deno.test(`resolveSettings() takes the key from ${what}`, async () => {
    const { options, secrets } = await settingsOf({ SUPABASE_URL: url, ...environment });
    assert.equal(options.serviceKey, key);
    assert(secrets.includes(key));
  });
}

Deno.test("resolveSettings() refuses SUPABASE_SECRET_KEYS that hold no key, and does not tell them", async () => {
  for (
    const keys of [
      key,
      `{"default":"${key}"`,
      `{default:"${key}"}`,
      `"${key}"`,
      "{}",
      "[]",
      "null",
      '{"default":null}',
      '{"default":5}',
      `{"default":{"key":"${key}"}}`,
    ]
  ) {
    const { message } = await refusalOf({ SUPABASE_URL: url, SUPABASE_SECRET_KEYS: keys });
    assert.equal(message, 'SUPABASE_SECRET_KEYS is not JSON such as {"default":"sb_secret_…"}');
  }
});

Deno.test("resolveSettings() takes the way from the flag, then from MIGRATION_VIA", async () => {
  const direct = { DATABASE_URL: "postgresql://localhost/postgres" };
  assert.equal((await optionsOf({ SUPABASE_URL: url })).via, undefined);
  assert.equal((await optionsOf({ SUPABASE_URL: url, MIGRATION_VIA: "direct" })).via, "direct");
  assert.equal(
    (await optionsOf({ SUPABASE_URL: url, MIGRATION_VIA: "direct" }, { via: "management" })).via,
    "management",
  );
  // It needs no SUPABASE_URL, and no key: not in CI either.
  for (const environment of [direct, { ...direct, CI: "true" }]) {
    const { options, embeddedNote } = await settingsOf(environment, {
      via: "direct",
      needsProject: true,
    });
    assert.deepEqual([options.via, options.databaseUrl, options.embedded, embeddedNote], [
      "direct",
      direct.DATABASE_URL,
      undefined,
      null,
    ]);
  }
  const { message } = await refusalOf({ SUPABASE_URL: url, MIGRATION_VIA: "tunnel" });
  assert.equal(message, 'MIGRATION_VIA has to be api, direct or management, not "tunnel"');
});

Deno.test("resolveSettings() takes no embedded database for a way to a project", async () => {
  for (const via of ["api", "direct", "management"] as const) {
    const { embedded } = await optionsOf({}, { via });
    assert.equal(embedded, undefined, via);
    const { message } = await refusalOf({}, { via, embedded: true });
    assert.equal(message, "--via leads to a project, and --embedded to no project");
  }
  // A DATABASE_URL is there for other reasons in many projects.
  assert.equal(typeof (await optionsOf({ DATABASE_URL: "postgresql://a" })).embedded, "string");
  const { embedded } = await optionsOf({ MIGRATION_VIA: "direct" }, { embedded: true });
  assert.equal(typeof embedded, "string");
});

Deno.test("resolveSettings() takes DATABASE_URL before SUPABASE_DB_URL", async () => {
  const both = { DATABASE_URL: "postgresql://a", SUPABASE_DB_URL: "postgresql://b" };
  assert.equal((await optionsOf({ SUPABASE_URL: url, ...both })).databaseUrl, "postgresql://a");
  assert.equal(
    (await optionsOf({ SUPABASE_URL: url, ...both, DATABASE_URL: "" })).databaseUrl,
    "postgresql://b",
  );
});

Deno.test("resolveSettings() takes the environment before the file, and flags before both", async () => {
  const file = `SUPABASE_URL=${url}\nSUPABASE_SERVICE_KEY=${key}\nMIGRATION_BATCH_SIZE=7\n`;
  const fromFile = await optionsOf({}, {}, file);
  assert.equal(fromFile.supabaseUrl, url);
  assert.equal(fromFile.serviceKey, key);
  assert.equal(fromFile.batchSize, 7);

  const mixed = await optionsOf({ SUPABASE_URL: "https://other.supabase.co" }, {}, file);
  assert.equal(mixed.supabaseUrl, "https://other.supabase.co");
  assert.equal(mixed.serviceKey, key);

  const flagged = await optionsOf({}, { dir: "elsewhere", embedded: true }, file);
  assert.equal(flagged.migrations, "elsewhere");
  assert.equal(flagged.embedded, ".supamigrate/db");
  assert.equal(flagged.batchSize, 7);
});

Deno.test("resolveSettings() takes an empty variable for one that is not set", async () => {
  const empty = {
    SUPABASE_URL: "",
    SUPABASE_SERVICE_KEY: "",
    SUPABASE_SECRET_KEYS: "",
    MIGRATION_LOCK_TIMEOUT: "",
    CI: "",
  };
  assert.equal((await optionsOf(empty)).embedded, ".supamigrate/db");
  assert.equal((await optionsOf(empty, {}, `SUPABASE_URL=${url}`)).supabaseUrl, url);
  assert.equal((await optionsOf({}, {}, "SUPABASE_URL=\nCI=''\n")).embedded, ".supamigrate/db");
});

Deno.test("resolveSettings() understands quotes, comments, export and CRLF in the file", async () => {
  const file = [
    "# the project",
    "",
    `export SUPABASE_URL="${url}" # staging`,
    `SUPABASE_SECRET_KEYS='{"default":"${key}"}'`,
    "  MIGRATION_BATCH_SIZE = 5",
    "UNKNOWN=1",
    "",
  ].join("\r\n");
  const options = await optionsOf({}, {}, file);
  assert.equal(options.supabaseUrl, url);
  assert.equal(options.serviceKey, key);
  assert.equal(options.batchSize, 5);
});

Deno.test("resolveSettings() does not overlook a setting behind a byte-order mark", async () => {
  const options = await optionsOf(
    {},
    {},
    `\uFEFFSUPABASE_URL=${url}\nSUPABASE_SERVICE_KEY=${key}\n`,
  );
  assert.equal(options.supabaseUrl, url);
});

const withoutSettings: Record<string, string> = {
  "nothing": "",
  "blank lines": "\n  \n",
  "comments": "# SUPABASE_URL=https://abcdefghijklmnopqrst.supabase.co\n",
  "another format": "supabase: true\n",
};

for (const [what, text] of Object.entries(withoutSettings)) {
  Deno.test(`resolveSettings() chooses no database where a file of settings holds ${what}`, async () => {
    const { message, hint } = await refusalOf({}, {}, text);
    assert.match(message, /^There are no settings in ".*\.env"$/);
    assert.match(hint!, /--embedded/);
    assert.equal((await optionsOf({}, { embedded: true }, text)).embedded, ".supamigrate/db");
    assert.equal((await optionsOf({ SUPABASE_URL: url }, {}, text)).supabaseUrl, url);
  });
}

Deno.test("resolveSettings() refuses settings in UTF-16, in either order and without a mark", async () => {
  const text = `SUPABASE_URL=${url}\r\n`;
  const little = Buffer.from(`\uFEFF${text}`, "utf16le");
  const files = [little, Buffer.from(little).swap16(), Buffer.from(text, "utf16le")];
  for (const bytes of files) {
    await withEnvFile(async (envFile) => {
      await writeFile(envFile, bytes);
      await assert.rejects(resolveSettings({}, { envFile }), (error) => {
        assert(error instanceof ConfigurationError);
        assert.match(error.hint!, /UTF-8/);
        return /^The settings in ".*" are not UTF-8$/.test(error.message);
      });
    });
  }
});

Deno.test("resolveSettings() takes the order from the flag, then from MIGRATION_ORDER", async () => {
  assert.equal((await optionsOf({})).order, undefined);
  assert.equal((await optionsOf({ MIGRATION_ORDER: "name" })).order, "name");
  assert.equal((await optionsOf({ MIGRATION_ORDER: "name" }, { order: "number" })).order, "number");
  const { message } = await refusalOf({ MIGRATION_ORDER: "date" });
  assert.equal(message, 'MIGRATION_ORDER has to be number or name, not "date"');
});

Deno.test("resolveSettings() refuses a file of settings that is named and not there", async () => {
  await withEnvFile(async (envFile) => {
    await assert.rejects(resolveSettings({}, { envFile }), (error) => {
      assert(error instanceof ConfigurationError);
      assert(error.message.startsWith(`Cannot read the settings in "${envFile}": `));
      return true;
    });
  });
});

Deno.test("resolveSettings() refuses to guess the database where this is CI", async () => {
  for (const CI of ["true", "1", "yes"]) {
    const { message, hint } = await refusalOf({ CI, SUPABASE_SERVICE_KEY: key });
    assert.equal(message, "SUPABASE_URL is not set, and this is CI");
    assert.equal(hint, "Set SUPABASE_URL, or say --embedded to use the embedded database.");
  }
  assert.equal((await optionsOf({ CI: "false" })).embedded, ".supamigrate/db");
});

Deno.test("resolveSettings() refuses a key without a URL", async () => {
  for (const name of ["SUPABASE_SERVICE_KEY", "SUPABASE_SERVICE_ROLE_KEY", "SUPABASE_SECRET_KEY"]) {
    const { message } = await refusalOf({ [name]: key });
    assert.equal(message, "A service key is set, and SUPABASE_URL is not");
  }
});

Deno.test("resolveSettings() takes the URL from the names that web frameworks have for it", async () => {
  for (
    const name of [
      "NEXT_PUBLIC_SUPABASE_URL",
      "VITE_SUPABASE_URL",
      "PUBLIC_SUPABASE_URL",
      "EXPO_PUBLIC_SUPABASE_URL",
      "NUXT_PUBLIC_SUPABASE_URL",
      "REACT_APP_SUPABASE_URL",
    ]
  ) {
    const settings = await settingsOf({ [name]: url, SUPABASE_SERVICE_KEY: key });
    assert.equal(settings.options.supabaseUrl, url);
    assert.equal(settings.namedBy, `${name} in the environment`);
    const { message, hint } = await refusalOf({ [name]: url });
    assert.equal(
      message,
      `${name} in the environment names the project "abcdefghijklmnopqrst", and no service key is set`,
    );
    assert.match(hint!, /SUPABASE_SERVICE_KEY.*--embedded/);
    assert.equal((await optionsOf({ [name]: url }, { embedded: true })).supabaseUrl, undefined);
  }
});

Deno.test("resolveSettings() refuses two websites' URLs that disagree, unless SUPABASE_URL decides", async () => {
  const two = {
    VITE_SUPABASE_URL: url,
    NEXT_PUBLIC_SUPABASE_URL: "https://other.supabase.co",
    SUPABASE_SERVICE_KEY: key,
  };
  const { message } = await refusalOf(two);
  assert.equal(
    message,
    "NEXT_PUBLIC_SUPABASE_URL and VITE_SUPABASE_URL name different projects",
  );
  assert.equal((await optionsOf({ ...two, SUPABASE_URL: url })).supabaseUrl, url);
  assert.equal(
    (await optionsOf({ ...two, NEXT_PUBLIC_SUPABASE_URL: `${url}/` })).supabaseUrl,
    `${url}/`,
  );
});

Deno.test("resolveSettings() takes no key from names that websites have", async () => {
  const options = await optionsOf({
    SUPABASE_URL: url,
    NEXT_PUBLIC_SUPABASE_SERVICE_KEY: key,
    NEXT_PUBLIC_SUPABASE_ANON_KEY: key,
    VITE_SUPABASE_SERVICE_ROLE_KEY: key,
  });
  assert.equal(options.serviceKey, undefined);
});

Deno.test("resolveSettings() refuses a command that needs a project where there is none", async () => {
  const { message } = await refusalOf({}, { needsProject: true });
  assert.equal(message, "SUPABASE_URL is not set");
  const { embedded } = await optionsOf({}, { needsProject: true, embedded: true });
  assert.equal(embedded, ".supamigrate/db");
});

Deno.test("resolveSettings() takes how long to wait for the API as a time", async () => {
  const read = async (text: string) => (await optionsOf({ MIGRATION_API_READY: text })).apiReadyMs;
  assert.deepEqual([await read("0"), await read("500ms"), await read("30s")], [0, 500, 30_000]);
  await assert.rejects(read("soon"), {
    message: 'MIGRATION_API_READY has to be a time such as 500ms or 10s, not "soon"',
  });
});

Deno.test("resolveSettings() refuses numbers that are none, or no use", async () => {
  for (
    const name of [
      "MIGRATION_LOCK_TIMEOUT",
      "MIGRATION_BATCH_SIZE",
      "MIGRATION_REQUEST_TIMEOUT",
      "MIGRATION_GIVE_UP_AFTER",
    ]
  ) {
    for (
      const value of ["-1", "0", "1.5", "abc", "5m", "1e3", "0x10", " 5", "+5", "007", "NaN", "∞"]
    ) {
      const { message } = await refusalOf({ SUPABASE_URL: url, [name]: value });
      assert.match(message, new RegExp(`^${name} has to be a whole number from 1 `));
    }
    assert.match((await refusalOf({ [name]: "0" })).message, new RegExp(name)); // embedded too
  }
});

Deno.test("resolveSettings() names who runs it", async () => {
  const { holder } = await optionsOf({
    GITHUB_ACTIONS: "true",
    GITHUB_ACTOR: "octocat",
    GITHUB_RUN_ID: "42",
    GITHUB_REPOSITORY: "acme/bookings",
  });
  assert.equal(holder, "octocat, run 42 of acme/bookings");
  assert.match((await optionsOf({ USER: "ada" })).holder!, /^ada@/);
  assert.match((await optionsOf({ USERNAME: "bob" })).holder!, /^bob@/);
  assert.match((await optionsOf({})).holder!, /^.+@/);
});

Deno.test("resolveSettings() reads .env and finds the folder where the process works", async () => {
  // The working directory belongs to all tests of this process, so this takes another one.
  await withEnvFile(async (envFile) => {
    const folder = join(envFile, "..");
    const settings = new URL("../../lib/settings.ts", import.meta.url).href;
    const resolve = async (): Promise<MigratorOptions> => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "eval",
          "--config",
          fileURLToPath(new URL("../../deno.json", import.meta.url)),
          `import { resolveSettings } from ${JSON.stringify(settings)};
          console.log(JSON.stringify((await resolveSettings({}, {})).options));`,
        ],
        cwd: folder,
      }).output();
      assert.equal(code, 0, new TextDecoder().decode(stderr));
      return JSON.parse(new TextDecoder().decode(stdout));
    };

    const without = await resolve();
    assert.equal(without.migrations, "migrations");
    assert.equal(without.embedded, ".supamigrate/db");

    await writeFile(envFile, `SUPABASE_URL=${url}\n`);
    await mkdir(join(folder, "supabase", "migrations"), { recursive: true });
    const withFile = await resolve();
    assert.equal(withFile.migrations, "supabase/migrations");
    assert.equal(withFile.supabaseUrl, url);

    await mkdir(join(folder, "migrations"));
    assert.equal((await resolve()).migrations, "migrations");
  });
});
