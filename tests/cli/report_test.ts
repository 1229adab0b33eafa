import assert from "node:assert/strict";
import { toResult, Workspace } from "../support/cli.ts";

const SHOP = "create table customers (id int primary key);\n" +
  "create table orders (id int primary key, customer_id int references customers);\n" +
  "-- ROLLBACK\ndrop table orders;\ndrop table customers;";

Deno.test("report writes a page of the project and of what is pending, status --diagram shows a table", async () => {
  await using workspace = await Workspace.create({ "001_shop.sql": SHOP });
  const migrate = await workspace.run(["migrate"]);
  assert.equal(migrate.code, 0, migrate.stderr);
  await workspace.write(
    "002_items.sql",
    "create table items (order_id int references orders);\nalter table orders add column note text;",
  );
  const made = await workspace.run(["report", "--out", "public/page.html"]);
  assert.equal(made.code, 0, made.stderr);
  assert.match(
    made.stdout,
    /\n✅ Wrote public\/page\.html: 2 migrations, 3 tables and views\n💡 Look at it: file:\/\/.*\/public\/page\.html\n$/,
  );
  const page = await Deno.readTextFile(`${workspace.path}/public/page.html`);
  const boxes = [...page.matchAll(/<a class="(box[^"]*)" id="diagram\/public\.(\w+)"/g)];
  assert.deepEqual(boxes.map(([, kind, name]) => `${name} ${kind}`).sort(), [
    "customers box",
    "items box added",
    "orders box changed",
  ]);
  assert.match(page, /Pending migrations change it:<ul><li>\+ column note text/);
  assert.match(page, /ACCESS EXCLUSIVE/);

  // What it has written itself it writes anew; what it has not stays.
  const json = await workspace.run([
    "report",
    "--out",
    "public/page.html",
    "--no-shadow",
    "--json",
  ]);
  assert.equal(json.code, 0, json.stderr);
  const { bytes, ...result } = JSON.parse(json.stdout);
  assert.ok(bytes > 10_000);
  assert.deepEqual(result, {
    success: true,
    path: "public/page.html",
    upToDate: false,
    pending: 1,
    tables: 2,
    drift: null,
  });
  const refused = await workspace.run(["report", "--out", "deno.json"]);
  assert.match(refused.stderr, /"deno\.json" is there, and no page of supamigrate's/);
  assert.equal(refused.code, 2);

  const diagram = await workspace.run(["status", "--diagram", "orders"]);
  assert.equal(
    diagram.stdout.replace(/^🧪.*\n\n/, ""),
    `┌──────────────────────────────────┐
│ orders · no row level security   │
├──────────────────────────────────┤
│ id           integer  key        │
│ customer_id  integer  → optional │
└─┬────────────────────────────────┘
  └── customer_id → customers  optional
`,
  );
  const unknown = await workspace.run(["status", "--diagram", "nothing"]);
  assert.match(unknown.stderr, /There is no table "nothing"\n💡 There are: customers, orders\./);
  assert.equal(unknown.code, 2);
  for (const option of ["--check", "--all"]) {
    const both = await workspace.run(["status", "--diagram", "orders", option]);
    assert.match(both.stderr, new RegExp(`--diagram and ${option} exclude each other`));
    assert.equal(both.code, 2, "a check that asks nothing must not pass");
  }
});

Deno.test("report calls nothing new that is there already, and is not green where files are gone", async () => {
  await using workspace = await Workspace.create({
    "001_shop.sql": SHOP,
    "002_items.sql": "create table if not exists items (id int);\n" +
      "alter table orders add column if not exists note text, add column if not exists total int;",
  });
  const run = async (...args: string[]) => {
    const { code, stderr } = await workspace.run(args);
    assert.equal(code, 0, stderr);
  };
  const makePage = async () => {
    await run("report", "--out", "page.html");
    return await Deno.readTextFile(`${workspace.path}/page.html`);
  };
  await run("migrate");
  await run("repair", "002_items.sql", "--mark", "pending", "--yes");
  const page = await makePage();
  assert.doesNotMatch(
    page,
    /<a class="box (?:added|changed)"|made by pending|Pending migrations (?:make|change)/,
  );
  assert.doesNotMatch(page, /(?:Made|changed) by <a href="#migration\/002/);
  assert.match(page, /Made by <a href="#migration\/001/);
  assert.match(page, /<span class="badge warn">Not up to date/);

  await Deno.remove(`${workspace.path}/migrations/002_items.sql`);
  assert.match(await makePage(), /<span class="badge good">Up to date</);
  await workspace.write("002_items.sql", "create table if not exists items (id int);");
  await run("migrate");
  await Deno.remove(`${workspace.path}/migrations/002_items.sql`);
  const gone = await makePage();
  assert.match(gone, /<span class="badge warn">Nothing pending, 1 file is gone</);
  assert.match(gone, /<section class="card warn"><h2>State<\/h2><p class="value">Nothing pending/);
});

Deno.test("report --open says where nothing shows the page", async () => {
  await using workspace = await Workspace.create({ "001_shop.sql": SHOP });
  const opener = `${workspace.path}/xdg-open`;
  const open = async (script: string) => {
    await Deno.writeTextFile(opener, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const command = workspace.command(["report", "--no-shadow", "--open"], {
      PATH: `${workspace.path}:${Deno.env.get("PATH")}`,
    });
    const args = [
      "run",
      "-A",
      ...command.args.filter((arg) => !arg.startsWith("--allow-")).slice(1),
    ];
    return toResult(await new Deno.Command(Deno.execPath(), { ...command, args }).output());
  };
  const shown = await open(`echo "$1" > ${workspace.path}/shown`);
  assert.equal(shown.code, 0, shown.stderr);
  assert.equal(
    (await Deno.readTextFile(`${workspace.path}/shown`)).trim(),
    `${workspace.path}/migrations-report.html`,
  );
  const refused = await open("exit 3");
  assert.equal(refused.code, 2);
  assert.match(
    refused.stderr,
    /Wrote "migrations-report\.html", and cannot show it: xdg-open ends with 3\n💡 Open it in a browser: file:\/\/\/.*\/migrations-report\.html/,
  );
});

Deno.test("what is written beside follows no link and overwrites nothing", async () => {
  await using workspace = await Workspace.create({ "001_shop.sql": SHOP });
  const own = `${workspace.path}/own.txt`;
  await Deno.writeTextFile(own, "mine");
  for (
    const [command, name] of [
      [["report", "--no-shadow", "--out"], "page.html"],
      [["types", "--out"], "types.ts"],
      [["plan", "--out"], "plan.json"],
    ] as const
  ) {
    await Deno.symlink(own, `${workspace.path}/${name}.new`);
    const { code, stderr } = await workspace.run([...command, name]);
    assert.equal(code, 0, stderr);
    assert.equal(await Deno.readTextFile(own), "mine", name);
    assert.ok((await Deno.lstat(`${workspace.path}/${name}`)).isFile, name);
  }
  // A pipe would be read without an end.
  for (const command of ["report", "types", "plan"]) {
    const { code, stderr } = await workspace.run([command, "--out", "/dev/null"]);
    assert.equal(code, 2);
    assert.match(stderr, /Cannot read "\/dev\/null": it is no file\n💡 Name another file/);
  }
});
