import assert from "node:assert/strict";
import { createMigrator, type MigratorOptions } from "../../mod.ts";
import { Workspace } from "../support/cli.ts";
import { findLeaks, formsOf } from "../support/leaks.ts";
import { type Project, startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = { "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };
const PASSWORD = "canary-p@ss/w0rd#1234";
const TOKEN = "sbp_c0ffee00c0ffee11c0ffee22c0ffee33c0ffee44";

interface Printed {
  readonly code: number;
  readonly all: string;
}

/** The settings of a project, with each kind of key, and an address whose password is a canary. */
function settingsOf(project: Project, key: string): Record<string, string> {
  return {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: key,
    SUPABASE_ACCESS_TOKEN: TOKEN,
    DATABASE_URL: `postgresql://postgres:${encodeURIComponent(PASSWORD)}@127.0.0.1:9/postgres`,
  };
}

/** Runs a command, and looks for each secret in every byte of its output. */
async function runSecretly(
  workspace: Workspace,
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<Printed> {
  const { code, stdout, stderr } = await workspace.spawn(args, environment).output();
  return inspect(code, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr), {
    ...workspace.environment,
    ...environment,
  });
}

function inspect(code: number, all: string, environment: Record<string, string>): Printed {
  const { SUPABASE_SERVICE_KEY: key = "" } = environment;
  for (const secret of [key.trim(), TOKEN, PASSWORD]) {
    if (secret !== "") assert.deepEqual(findLeaks(all, secret), [], all);
  }
  return { code, all };
}

/** A command in each form of output. */
function variantsOf(args: readonly string[]): [string[], Record<string, string>][] {
  return [
    [[...args], {}],
    [[...args, "--verbose"], { GITHUB_ACTIONS: "true" }],
    [[...args, "--json"], {}],
  ];
}

/** A server that tells a client all that it was given. */
function tell(request: Request, forms: (key: string) => string, status: number): Response {
  const text = forms(request.headers.get("apikey")!);
  return status === 503
    ? new Response(`<html>${text}</html>`, { status })
    : Response.json({ message: text, details: text, hint: text, code: "42501" }, { status });
}

const allForms = (key: string) => Object.entries(formsOf(key)).join(" and ");

for (const kind of ["serviceKey", "secretKey"] as const) {
  Deno.test(`a ${kind} that a server sends back is printed in no form, nor is its half`, async () => {
    await using project = await stack.createProject({ installed: true });
    const environment = settingsOf(project, project[kind]);
    await using workspace = await Workspace.create(MIGRATIONS, environment);
    for (const [args, more] of variantsOf(["migrate"])) {
      using _ = project.gateway.intercept((request) =>
        Promise.resolve(tell(request, allForms, 403))
      );
      const { code, all } = await runSecretly(workspace, args, more);
      assert.equal(code, 2, all);
      assert(all.includes("[hidden]"), all);
    }
    // A page is cut: wherever that is, the key was hidden before.
    const places = [120, 150, 170, 185, 195];
    await Promise.all(places.map(async (before) => {
      const page = (key: string) => `${"word ".repeat(before / 5)}${key} and more`;
      using _ = project.gateway.intercept((request) => Promise.resolve(tell(request, page, 503)));
      const { code, all } = await runSecretly(workspace, ["status"]);
      assert.equal(code, 4, all);
      assert.match(all, /HTTP 503: word /);
    }));
  });
}

Deno.test("a migration that tells the key is printed without it, then and later", async () => {
  await using project = await stack.createProject({ installed: true });
  const key = project.serviceKey;
  await using workspace = await Workspace.create({}, settingsOf(project, key));
  // PostgREST hands the request's headers to the database, which takes them away again.
  await workspace.write(
    "001_tell.sql",
    "do $$ begin raise exception 'headers: <%>', current_setting('request.headers', true); end $$;",
  );
  assert.match((await runSecretly(workspace, ["migrate"])).all, /headers: <>/);
  await workspace.write(
    "001_tell.sql",
    `do $$
     declare
       key text := '${key}';
     begin
       raise exception using
         message = json_build_object('apikey', key, 'authorization', 'Bearer ' || key),
         detail = encode(convert_to('{"apikey": "' || key || '"}', 'UTF8'), 'base64'),
         hint = encode(convert_to(key, 'UTF8'), 'hex');
     end $$;`,
  );
  for (const command of [["migrate", "--yes"], ["status"], ["history"]]) {
    for (const [args, more] of variantsOf(command)) {
      const { all } = await runSecretly(workspace, args, more);
      if (command[0] === "migrate") assert.match(all, /apikey.*\[hidden\]/);
    }
  }
});

Deno.test("a key inside a migration file is not shown with its SQL, nor is its half", async () => {
  await using project = await stack.createProject({ installed: true });
  const key = project.serviceKey;
  await using workspace = await Workspace.create(MIGRATIONS, settingsOf(project, key));
  const variants = variantsOf(["migrate", "--dry-run"]);
  const shown = [
    ...[10, 60, 80, 95].map((before) => `select '${"word ".repeat(before / 5)}', '${key}';`),
    // Cut here, the password is no longer the one that is known.
    `select '${"word ".repeat(15)}${PASSWORD}', 'and more words than there is room for';`,
    `select '${key}',\n  2;`,
  ];
  await workspace.write("002_b.sql", shown.join("\n"));
  for (const [args, more] of variants) {
    const { code, all } = await runSecretly(workspace, args, more);
    assert.equal(code, 0, all);
  }
  const refused = [
    `comment on table a is '${key}' '${PASSWORD}';`,
    `select '${key}' frmo a;`,
    `select 1 frmo '${key}';`,
    `select '${"word ".repeat(20)}${key}', x y z;`,
    `create index concurrently a_index on a ((coalesce('${key}')));`,
    `create index concurrently a_index_with_a_long_name_of_many_words on a ((coalesce('${key}')));`,
    `begin; vacuum "${key}"; commit;`,
  ];
  const [plain, verbose, json] = variants;
  for (const [index, sql] of refused.entries()) {
    await workspace.write("002_b.sql", sql);
    for (const [args, more] of [plain!, index % 2 === 0 ? verbose! : json!]) {
      await runSecretly(workspace, args, more);
    }
  }
});

Deno.test("wrong settings are refused without being shown", async () => {
  await using project = await stack.createProject({ installed: true });
  const key = project.serviceKey;
  const settings = settingsOf(project, key);
  await using workspace = await Workspace.create(MIGRATIONS, settings);
  const password = encodeURIComponent(PASSWORD);
  const cases: [args: string[], environment: Record<string, string>, code: number][] = [
    [["status"], { SUPABASE_URL: key }, 2],
    [["status"], { SUPABASE_URL: `https://${PASSWORD}` }, 2],
    [["status"], { SUPABASE_URL: `https://user:${password}@example.com` }, 2],
    [["status"], { MIGRATION_LOCK_TIMEOUT: key }, 2],
    [["status"], { MIGRATION_BATCH_SIZE: PASSWORD }, 2],
    [["status"], { SUPABASE_SERVICE_KEY: `${key}\n` }, 2],
    [["status"], { SUPABASE_SERVICE_KEY: "", SUPABASE_SECRET_KEYS: `{"default": "${key}"` }, 2],
    [["status"], { SUPABASE_URL: "http://127.0.0.1:9" }, 4],
    [["install"], {}, 4],
    [["install"], { DATABASE_URL: `mysql://postgres:${password}@127.0.0.1/x` }, 2],
    [["install"], { DATABASE_URL: `postgresql://postgres:${PASSWORD}@127.0.0.1/x` }, 2],
    [["install"], { DATABASE_URL: `postgresql://postgres:${password}%zz@127.0.0.1/x` }, 2],
    [["install"], { DATABASE_URL: `postgresql://postgres:${password}@127.0.0.1:99999/x` }, 2],
    [["install"], { DATABASE_URL: "", SUPABASE_ACCESS_TOKEN: TOKEN }, 2],
    [["install"], { DATABASE_URL: `${project.databaseUrl}?options=${TOKEN}` }, 2],
  ];
  for (const [args, environment, code] of cases) {
    const printed = await runSecretly(workspace, args, environment);
    assert.equal(printed.code, code, `${JSON.stringify([args, environment])}: ${printed.all}`);
    assert.doesNotMatch(printed.all, /defect/);
  }
});

Deno.test("what nobody caught is reported without secrets, as text and as JSON, and ends with 1", async () => {
  await using project = await stack.createProject({ installed: true });
  const key = project.serviceKey;
  await using workspace = await Workspace.create(MIGRATIONS, settingsOf(project, key));
  const error = `new Error("\\x1b[31mcanary " + key + "\\n::add-mask::x", { cause: key })`;
  const defects = [
    `throw ${error};`,
    `Promise.reject(${error});`,
    `Promise.reject(key);`,
    `console.error(${error}); console.log({ key: { key } }); throw ${error};`,
  ];
  for (const defect of defects) {
    const preload = `${workspace.path}/defect.ts`;
    await Deno.writeTextFile(
      preload,
      `import process from "node:process";
       const key = Deno.env.get("SUPABASE_SERVICE_KEY");
       const timer = setInterval(() => {
         if (process.listenerCount("unhandledRejection") === 0) return;
         clearInterval(timer);
         ${defect}
       }, 1);
       timer.unref(); // or the command would wait for it to end before it begins`,
    );
    for (const json of [[], ["--json"]]) {
      const { args: [run, ...words], ...options } = workspace.command(["status", ...json]);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        ...options,
        args: [run!, "--preload", preload, ...words],
      }).output();
      const [out, err] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
      inspect(code, out! + err!, workspace.environment);
      assert.equal(code, 1, err);
      assert.match(err!, /which is a defect of supamigrate:\n.*\[hidden\]/);
      assert(!err!.includes("\x1b") && !/^\s*::/m.test(err!), err);
      if (json.length > 0 && !defect.includes("console")) {
        assert.equal(JSON.parse(out!).error.type, "Defect");
      }
    }
  }
});

Deno.test("a key on the command line is refused, not repeated, and called to be revoked", async () => {
  await using project = await stack.createProject({ installed: true });
  const requests = project.gateway.requests;
  const key = project.serviceKey;
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_KEY: key,
  });
  const commands = [
    [key],
    ["migrate", key],
    ["migrate", `--service-key=${key}`],
    ["migrate", "--to", project.secretKey],
    ["status", "--key", TOKEN],
    ["install", "--database-url", `postgresql://postgres:${encodeURIComponent(PASSWORD)}@h/d`],
    ["create", "add_x", `for ${key}`],
    ["--help", key],
    ["migrate", `-${project.secretKey}`],
  ];
  for (const args of commands) {
    const { code, all } = await runSecretly(workspace, args);
    assert.equal(code, 2, all);
    assert.match(all, /^❌ Migration command failed: A key or a password is on the command line\n/);
    assert.match(all, /Revoke it and make a new one: it is in the shell's history now/);
    assert.match(all, /environment, from \.env .* standard input \(--env-file -\)/);
  }
  const { code, all } = await runSecretly(workspace, ["migrate", key, "--json"]);
  assert.equal(code, 2);
  assert.equal(JSON.parse(all.slice(0, all.indexOf("\n}") + 2)).error.exitCode, 2);
  assert.equal(project.gateway.requests, requests);
});

Deno.test("--env-file - takes the settings from standard input, and asks nobody then", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(MIGRATIONS);
  const settings = `SUPABASE_URL=${project.url}\nSUPABASE_SERVICE_KEY="${project.serviceKey}"\n`;
  const pipe = async (input: string, args: readonly string[]): Promise<Printed> => {
    const child = new Deno.Command(Deno.execPath(), {
      ...workspace.command([...args, "--env-file", "-"]),
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode(input));
    await writer.close();
    const { code, stdout, stderr } = await child.output();
    const all = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    return inspect(code, all, { SUPABASE_SERVICE_KEY: project.serviceKey });
  };
  const applied = await pipe(settings, ["migrate"]);
  assert.equal(applied.code, 0, applied.all);
  assert.equal((await project.sql("select * from supamigrate.migration_history")).length, 1);

  const asked = await pipe(settings, ["fresh"]);
  assert.equal(asked.code, 2);
  assert.match(asked.all, /there is no terminal to ask on\n💡 Add --yes/);
  assert.equal((await pipe(settings, ["fresh", "--yes"])).code, 0);

  for (const input of ["", "\n# nothing\n", "SUPABASE_URL=\n"]) {
    const { code, all } = await pipe(input, ["migrate"]);
    assert.equal(code, 2);
    assert.match(all, /There are no settings on standard input/);
  }
  // What is refused is known to be secret by then.
  const wrong = await pipe(`${settings}MIGRATION_BATCH_SIZE=x${project.serviceKey}\n`, ["status"]);
  assert.match(wrong.all, /MIGRATION_BATCH_SIZE has to be a whole number .*\[hidden\]/);

  const terminal = Terminal.start(workspace, ["status", "--env-file", "-"]);
  assert.equal(await terminal.end(), 2);
  assert.match(terminal.text, /standard input, which is a terminal here\n💡 Pipe the settings in/);
});

Deno.test("errors that an application prints, with their causes, hold no secret", async () => {
  await using project = await stack.createProject({ installed: true });
  const { serviceKey } = project;
  const forgetful: Partial<MigratorOptions> = { giveUpAfterMs: 1, requestTimeoutMs: 5000 };
  const attempt = async (options: Partial<MigratorOptions>, what: string) => {
    const migrator = createMigrator({
      supabaseUrl: project.url,
      serviceKey,
      migrations: MIGRATIONS,
      ...forgetful,
      ...options,
    });
    const command = what === "install" ? migrator.install() : migrator.migrate();
    const error = await command.then(() => assert.fail(`${what} succeeded`), (error) => error);
    const shown = Deno.inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error);
    for (const secret of [serviceKey, TOKEN, PASSWORD]) {
      assert.deepEqual(findLeaks(shown, secret), [], shown);
    }
    await migrator.close();
    return error as Error;
  };
  for (const status of [403, 503]) {
    using _ = project.gateway.intercept((request) =>
      Promise.resolve(tell(request, allForms, status))
    );
    assert.notEqual((await attempt({}, "migrate")).cause, undefined);
  }
  {
    // The state is read and the lock is taken; then nothing is known any more.
    let requests = 0;
    using _ = project.gateway.intercept((request, forward) =>
      ++requests <= 2 ? forward(request) : Promise.resolve(tell(request, allForms, 503))
    );
    assert.equal((await attempt({}, "migrate")).name, "UnknownOutcomeError");
  }
  const password = encodeURIComponent(PASSWORD);
  for (
    const databaseUrl of [
      `postgresql://postgres:${password}@127.0.0.1:9/postgres`,
      `postgresql://postgres:${PASSWORD}@127.0.0.1/postgres`,
      project.databaseUrl.replace("postgres:postgres@", `anon:${password}@`),
    ]
  ) await attempt({ databaseUrl }, "install");

  const api = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
    const given = request.headers.get("authorization")!;
    return new Response(`${"word ".repeat(190)}${given} ${allForms(given.slice(7))}`, {
      status: 500,
    });
  });
  const managementApiUrl = `http://127.0.0.1:${api.addr.port}`;
  await attempt({ accessToken: TOKEN, managementApiUrl }, "install");
  await attempt({ accessToken: `${TOKEN}\n`, managementApiUrl }, "install");
  await attempt({ accessToken: TOKEN, managementApiUrl: "http://127.0.0.1:9" }, "install");
  await api.shutdown();
});

Deno.test("after all of that, the project's tables hold no key", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(
    { ...MIGRATIONS, "002_b.sql": "select 1 / 0;" },
    settingsOf(project, project.serviceKey),
  );
  for (const args of [["migrate"], ["rollback", "0"], ["migrate"], ["history"]]) {
    await runSecretly(workspace, args);
  }
  for (const table of ["migration_history", "migration_log", "migration_lock", "operation"]) {
    const rows = await project.sql(`select to_jsonb(it)::text as row from supamigrate.${table} it`);
    assert(rows.length > 0, table);
    assert.deepEqual(findLeaks(rows.map(({ row }) => row).join(), project.serviceKey), []);
  }
});
