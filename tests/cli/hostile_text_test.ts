import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";
import { type Allowed, findHostile, FORGED, HOSTILE } from "../support/harmless.ts";
import { type Project, startStack } from "../support/stack.ts";
import { Terminal } from "../support/terminal.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MESSAGE = HOSTILE + FORGED;
/** As long as a column of the history takes it. */
const SHORT = `begin\r\n::add-mask::x\n##[group]y\n✅ Migration completed successfully!\n${HOSTILE}`
  .slice(0, 250);
/** A file can be called like this, and a path in a message cannot hide in it. */
const NAME = `001_${HOSTILE.replaceAll("/", "_").slice(0, 120)}\n::add-mask::x.sql`;

interface Printed {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in each form of output, and looks at every byte. */
async function runHarmlessly(
  workspace: Workspace,
  args: readonly string[],
): Promise<{ plain: Printed; json: Printed }> {
  const plain = await printForReaders(workspace, args);
  return { plain, json: await print(workspace, [...args, "--json"], {}) };
}

/** Runs it in those forms that people read. JSON writes the text of each error in the same way. */
async function printForReaders(workspace: Workspace, args: readonly string[]): Promise<Printed> {
  const plain = await print(workspace, args, {});
  await print(workspace, [...args, "--verbose"], { GITHUB_ACTIONS: "true" });
  return plain;
}

async function print(
  workspace: Workspace,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<Printed> {
  const { code, stdout, stderr } = await workspace.spawn(args, environment).output();
  const decode = (bytes: Uint8Array) => new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  const printed = { code, stdout: decode(stdout), stderr: decode(stderr) };
  const what = JSON.stringify(args);
  assertHarmless(printed.stdout, what);
  if (code !== 0) assert.doesNotMatch(printed.stdout, /^✅ Migration completed/m, what);
  assertHarmless(printed.stderr, what, { annotations: environment.GITHUB_ACTIONS === "true" });
  return printed;
}

function assertHarmless(output: string, what: string, allowed: Allowed = {}): void {
  assert.deepEqual(findHostile(output, allowed), [], `${what}:\n${JSON.stringify(output)}`);
}

function environmentOf(project: Project): Record<string, string> {
  return { SUPABASE_URL: project.url, SUPABASE_SERVICE_KEY: project.serviceKey };
}

/** SQL that brings hostile text into PostgreSQL's own messages, a way each. */
const FAILURES: Record<string, string> = {
  "a message with everything": raise(MESSAGE),
  "a column": `select "${HOSTILE}" from people;`,
  "a constraint and a row": `insert into people values (${literal(MESSAGE)}, -1);`,
  "what users wrote": `insert into people values (${literal(MESSAGE)}, 1);\n`.repeat(2),
  "a role": `alter table people owner to "${HOSTILE.slice(0, 30)}\n::add-mask::role";`,
  "a function's name": `
    create function "${FORGED.slice(0, 40)}"() returns void language plpgsql as
      'begin perform 1 / 0; end';
    select "${FORGED.slice(0, 40)}"();`,
  "a syntax error beside it": `select ${literal(HOSTILE)}, ${
    literal("##[group]x")
  } frmo people x y;`,
};

function raise(text: string): string {
  const everything = ["detail", "hint", "column", "constraint", "datatype", "table", "schema"]
    .map((item) => `${item} = ${literal(text)}`);
  return `do $body$ begin
    raise notice '%', ${literal(text)};
    raise exception using message = ${literal(text)}, ${everything.join(", ")};
  end $body$;`;
}

function literal(text: string): string {
  const escapes: Record<string, string> = { "'": "''", "\\": "\\\\", "\r": "\\r" };
  return `E'${text.replace(/['\\\r]/g, (character) => escapes[character]!)}'`;
}

Deno.test("names of files, SQL and PostgreSQL's messages cannot drive the terminal or the CI log", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    [NAME]: `
      create table people (name text unique, age int constraint "${HOSTILE}" check (age > 0));
      comment on table people is ${literal(HOSTILE)};
      -- ROLLBACK
      drop table people;`,
  }, { ...environmentOf(project), USER: SHORT });

  await runHarmlessly(workspace, ["migrate", "--dry-run"]);
  const { json } = await runHarmlessly(workspace, ["migrate"]);
  assert.equal(json.code, 0);
  for (const [what, sql] of Object.entries(FAILURES)) {
    await workspace.write(`002_${what}.sql`, sql);
    assert.notEqual((await printForReaders(workspace, ["migrate"])).code, 0, what);
    if (what === "a message with everything") {
      const json = await print(workspace, ["migrate", "--json"], {});
      const [result] = JSON.parse(json.stdout).results;
      assert.equal(result.error.message, MESSAGE, "JSON holds what was there");
      await print(workspace, ["migrate", "--dry-run", "--verbose"], {});
    }
    await Deno.remove(`${workspace.path}/migrations/002_${what}.sql`);
  }
  const { json: status } = await runHarmlessly(workspace, ["status"]);
  const { json: history } = await runHarmlessly(workspace, ["history"]);
  const actors: string[] = JSON.parse(history.stdout).map(({ actor }: { actor: string }) => actor);
  assert(actors.some((actor) => actor.startsWith(SHORT.slice(0, 200))), actors.join());
  await Deno.rename(`${workspace.path}/migrations/${NAME}`, `${workspace.path}/migrations/3.sql`);
  const { json: renamed } = await runHarmlessly(workspace, ["status"]);
  assert.deepEqual([JSON.parse(status.stdout).renamed, JSON.parse(renamed.stdout).renamed], [
    [],
    [{ from: NAME, to: "3.sql" }],
  ]);
  const { json: rollback } = await runHarmlessly(workspace, ["rollback"]);
  assert.equal(rollback.code, 0);
});

Deno.test("what a database holds already cannot drive them either", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({ "001_a.sql": "create table a ();" }, {
    ...environmentOf(project),
  });
  await workspace.run(["migrate"]);
  await project.sql(
    `insert into supamigrate.migration_history overriding system value
       select (jsonb_populate_record(history, jsonb_build_object('id', 77,
               'migration_name', $2::text, 'error_message', $1::text, 'status', 'failed',
               'applied_checksum', null, 'error', jsonb_build_object('message', $1::text, 'code', $1::text)))).*
         from supamigrate.migration_history history`,
    [MESSAGE, SHORT],
  );
  await project.sql(
    `update supamigrate.migration_lock
        set is_locked = true, token = gen_random_uuid(), generation = 700, locked_by = $1,
            process_id = $2, locked_at = now(), expires_at = now() + interval '1 hour'`,
    [SHORT, HOSTILE.slice(0, 100)],
  );
  await runHarmlessly(workspace, ["status"]);
  await workspace.write("002_b.sql", "create table b ();");
  assert.equal((await runHarmlessly(workspace, ["migrate"])).plain.code, 3);
  assert.equal((await runHarmlessly(workspace, ["migrate", "--wait", "1"])).plain.code, 3);

  const asked = Terminal.start(workspace, ["unlock"]);
  await asked.see(/Release it\? \(yes\/no\): /);
  asked.type("no\r");
  assert.equal(await asked.end(), 2);
  assertHarmless(asked.raw, "a question", { sequences: true });

  const waiting = Terminal.start(workspace, ["migrate", "--wait", "2"]);
  await waiting.see(/🔒 Waiting for begin/);
  assert.equal(await waiting.end(), 3);
  assertHarmless(waiting.raw, "a live line", { sequences: true });
  const drawn = waiting.raw.split("\r\x1b[2K").filter((text) => text.startsWith("🔒"));
  assert(drawn.length > 0);
  for (const text of drawn) assert(!text.includes("\n") && [...text].length < 100, text);

  assert.equal((await runHarmlessly(workspace, ["unlock", "--yes"])).plain.code, 0);
});

Deno.test("on a terminal there are colours and a live line, and nothing of others", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({
    [NAME]: "select pg_sleep(0.7);",
    "002_b.sql": raise(MESSAGE),
  }, environmentOf(project));
  const terminal = Terminal.start(workspace, ["migrate"]);
  assert.equal(await terminal.end(), 1);
  assertHarmless(terminal.raw, "a terminal", { sequences: true });
  assert(terminal.raw.includes("\x1b[31m❌ Migration failed!"), "colours work");
  assert(terminal.raw.includes("\r\x1b[2K⏳ 1/2 001_begin\\x0d\\x1b[2K"), "the live line works");

  const help = Terminal.start(workspace, ["completions", "bash", "--name", HOSTILE]);
  assert.equal(await help.end(), 0);
  assertHarmless(help.raw, "completions", { sequences: true });
});

Deno.test("what a gateway answers cannot drive them", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(
    { "001_a.sql": "create table a ();" },
    environmentOf(project),
  );
  const error = { message: MESSAGE, details: MESSAGE, hint: MESSAGE };
  const answers: Record<string, () => Response> = {
    "a page": () => new Response(`<html><h1>${MESSAGE}</h1></html>`, { status: 404 }),
    "a text with 200": () => new Response(MESSAGE),
    "an error of PostgreSQL's": () => Response.json({ ...error, code: "42501" }, { status: 403 }),
    "an error of PostgREST's": () => Response.json({ ...error, code: "PGRST202" }, { status: 404 }),
    "an error of nobody's": () => Response.json({ ...error, code: MESSAGE }, { status: 400 }),
    "an error of the wrong shape": () =>
      Response.json({ message: { a: MESSAGE }, code: 42, details: [MESSAGE] }, { status: 418 }),
    "a redirect": () =>
      new Response(MESSAGE, { status: 302, headers: { location: "http://127.0.0.1:9/::x::" } }),
  };
  for (const [what, answer] of Object.entries(answers)) {
    using _ = project.gateway.intercept(() => Promise.resolve(answer()));
    const plain = await printForReaders(workspace, ["status"]);
    if (what === "a page") await print(workspace, ["status", "--json"], {});
    assert(plain.code === 2 || plain.code === 4, `${what}: ${plain.code} ${plain.stderr}`);
    assert.doesNotMatch(plain.stderr, /defect/, what);
  }
});

Deno.test("arguments and settings cannot drive them", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create(
    { "001_a.sql": "create table a ();" },
    environmentOf(project),
  );
  const [text, wrong] = [MESSAGE.replaceAll("\0", ""), 2];
  const commands: [args: string[], code: number, environment?: Record<string, string>][] = [
    [[text], wrong],
    [[`--${text}`], wrong],
    [["migrate", text], wrong],
    [["migrate", "--to", text], wrong],
    [["migrate", "--transaction", text], wrong],
    [["rollback", text], wrong],
    [["baseline", text], wrong],
    [["create", `-${text}`], wrong],
    [["status", "--dir", text], wrong],
    [["status", "--env-file", text], wrong],
    [["status", `--embedded=/proc/${text}`], wrong],
    [["history", "--limit", text], wrong],
    [["help", text], wrong],
    [["completions", "fish", "--name", SHORT], 0],
    [["status"], wrong, { MIGRATION_LOCK_TIMEOUT: text }],
    [["status"], wrong, { SUPABASE_URL: text }],
    [["status"], wrong, { SUPABASE_URL: `https://user@${text}` }],
  ];
  for (const [index, [args, code, environment = {}]] of commands.entries()) {
    const printed = await print(workspace, args, environment);
    assert.equal(printed.code, code, `${JSON.stringify(args)}: ${printed.stderr}`);
    // JSON writes each of them in the same way.
    if (index < 4) await print(workspace, [...args, "--json"], environment);
  }
});

Deno.test("a foreign exec_sql cannot drive them by its name and parameters", async () => {
  await using project = await stack.createProject();
  await project.sql(
    `create function exec_sql("${HOSTILE.slice(0, 40)}" text, sql_query text) returns void
       language sql as ''; grant execute on function exec_sql to anon`,
  );
  await using workspace = await Workspace.create({}, {
    ...environmentOf(project),
    DATABASE_URL: project.databaseUrl,
  });
  const { plain } = await runHarmlessly(workspace, ["install"]);
  assert.match(plain.stderr, /The project has an exec_sql of its own:\n.*begin\\x0d/);
});

Deno.test("the embedded database's messages cannot drive them", async () => {
  await using workspace = await Workspace.create({ [NAME]: raise(MESSAGE) });
  const { plain } = await runHarmlessly(workspace, ["migrate"]);
  assert.equal(plain.code, 1);
  assert.match(plain.stdout, /\\x1b\[31mred/);
});

Deno.test("the caret stands under the mistake, whatever is shown in front of it", async () => {
  await using project = await stack.createProject({ installed: true });
  await using workspace = await Workspace.create({}, environmentOf(project));
  for (
    const before of ["", "'\u200b\x1b\u202e', ", "'👍', ", "1,\t", `'${"word ".repeat(40)}', `]
  ) {
    await workspace.write("001_a.sql", `select ${before}2 mistake wrong;`);
    const { stderr } = await print(workspace, ["migrate"], {});
    const [, , excerpt, caret] = stderr.split("\n");
    assert.equal(excerpt!.indexOf("wrong"), caret!.indexOf("^"), stderr);
  }
});

Deno.test("the SQL that install prints is the SQL that install runs", async () => {
  await using workspace = await Workspace.create();
  const { stdout } = await print(workspace, ["install", "--print"], {});
  const { installScript } = await import("../../mod.ts");
  assert.equal(stdout.trimEnd(), (await installScript()).trimEnd());
  const json = await print(workspace, ["install", "--print", "--schema", "api", "--json"], {});
  assert.deepEqual(JSON.parse(json.stdout), {
    success: true,
    sql: await installScript({ schema: "api" }),
  });
});
