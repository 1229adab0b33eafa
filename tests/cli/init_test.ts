import assert from "node:assert/strict";
import { parse } from "jsonc-parser";
import { VERSION } from "../../mod.ts";
import { RepositoryFolder } from "../support/repository.ts";
import { Terminal } from "../support/terminal.ts";

Deno.test("init in an empty folder makes migrations/, .gitignore and .env.example, and says the next command", async () => {
  await using repository = await RepositoryFolder.create();
  const { code, stdout } = await repository.run(["init", "--yes"]);
  assert.equal(code, 0, stdout);
  assert.deepEqual(Object.keys(await repository.list()).sort(), [
    ".env.example",
    ".gitignore",
    "migrations/",
    "migrations/.gitkeep",
  ]);
  assert.equal(await repository.read(".gitignore"), ".supamigrate/\n.env\n.env.local\n");
  assert.match(
    await repository.read(".env.example"),
    /^SUPABASE_URL=\n[^]*^SUPABASE_SERVICE_KEY=$/m,
  );
  assert.match(stdout, /💡 Next: .*create first_tables\n💡 Then: .* migrate$/m);
});

Deno.test("what init wrote can be used: create and migrate work, and a second init finds everything", async () => {
  await using repository = await RepositoryFolder.create({ "supabase/config.toml": "" });
  assert.equal((await repository.run(["init", "--yes"])).code, 0);
  const created = await repository.run(["create", "first_tables"]);
  assert.match(created.stdout, /supabase\/migrations/);
  assert.equal((await repository.run(["migrate", "--embedded"])).code, 0);

  const before = await repository.list("supabase/");
  const { code, stdout } = await repository.run(["init", "--workflow"]);
  assert.equal(code, 2, "there is no .git");
  const again = await repository.run(["init"]);
  assert.equal(again.code, 0, "nothing has to be asked");
  assert.match(again.stdout, /There already: supabase\/migrations\/, \.gitignore, \.env\.example/);
  assert.match(again.stdout, /Nothing to do/);
  assert.deepEqual(await repository.list("supabase/"), before);
  assert.equal(stdout, "");
});

Deno.test("init adds scripts and the package to package.json, and keeps its tabs and line ends", async () => {
  const text =
    '{\r\n\t"name": "shop",\r\n\t"scripts": {\r\n\t\t"build": "vite build"\r\n\t}\r\n}\r\n';
  await using repository = await RepositoryFolder.create({ "package.json": text });
  const { stdout } = await repository.run(["init", "--yes"]);
  const changed = await repository.read("package.json");
  assert(changed.startsWith(text.slice(0, text.indexOf("\r\n\t}"))), changed);
  assert.doesNotMatch(changed, /[^\r]\n|^ /m);
  const { scripts, devDependencies } = JSON.parse(changed);
  assert.equal(scripts.migrate, "supamigrate migrate");
  assert.equal(scripts["migrate:status"], "supamigrate status");
  assert.deepEqual(devDependencies, { supamigrate: VERSION });
  assert.match(
    stdout,
    /💡 Next: npm install\n💡 Then: npx supamigrate create .*\n💡 Then: npx supamigrate migrate/,
  );
});

Deno.test("init leaves a package alone that is installed, and names the project's package manager", async () => {
  await using repository = await RepositoryFolder.create({
    "package.json": '{ "dependencies": { "supamigrate": "file:supamigrate.tgz" } }',
    "migrations/001_notes.sql": "create table notes ();",
  });
  const { stdout } = await repository.run(["init", "--yes"]);
  const { dependencies, devDependencies } = JSON.parse(await repository.read("package.json"));
  assert.deepEqual(dependencies, { supamigrate: "file:supamigrate.tgz" });
  assert.equal(devDependencies, undefined);
  assert.match(stdout, /💡 Next: npx supamigrate migrate/);

  await using other = await RepositoryFolder.create({ "package.json": "{}", "pnpm-lock.yaml": "" });
  assert.match((await other.run(["init", "--yes"])).stdout, /💡 Next: pnpm install/);
});

Deno.test("init adds tasks to deno.jsonc, with the permissions that they need, and keeps its comments", async () => {
  const text = `{
    // what is imported
    "imports": {},
    "tasks": {
        "dev": "deno run -A main.ts", // for the developer
    },
}
`;
  await using repository = await RepositoryFolder.create({ "deno.jsonc": text });
  const { code, stdout, stderr } = await repository.run(["init", "--yes"]);
  assert.equal(code, 0, stderr);
  const changed = await repository.read("deno.jsonc");
  for (const line of text.split("\n")) assert(changed.includes(line), line);
  const { tasks } = parse(changed);
  assert.equal(
    tasks.migrate,
    "deno run --v8-flags=--liftoff-only --allow-env --allow-net --allow-read --allow-sys=hostname " +
      `--allow-write=.supamigrate,$HOME/.cache/supamigrate npm:supamigrate@${VERSION} migrate`,
  );
  assert.match(tasks["migrate:create"], /--allow-write=migrations npm:/);
  assert.match(
    stdout,
    /💡 Next: deno task migrate:create first_tables\n💡 Then: deno task migrate/,
  );
});

Deno.test("init overwrites no task of another tool, and calls its own db:migrate", async () => {
  await using repository = await RepositoryFolder.create({
    "deno.json": '{ "tasks": { "migrate": "knex migrate:latest" } }',
  });
  const { stdout } = await repository.run(["init", "--yes"]);
  const { tasks } = JSON.parse(await repository.read("deno.json"));
  assert.equal(tasks.migrate, "knex migrate:latest");
  assert.match(tasks["db:migrate"], /npm:supamigrate@\S+ migrate$/);
  assert.match(
    stdout,
    /deno\.json has tasks called migrate for something else: .* called db:migrate/,
  );
  assert.match(stdout, /💡 Then: deno task db:migrate$/m);
  const again = await repository.run(["init"]);
  assert.match(again.stdout, /There already: migrations\/, tasks in deno\.json/);
});

Deno.test("init adds to .gitignore what is missing, behind a last line without an end and with its line ends", async () => {
  const cases: [before: string, after: string][] = [
    [
      "node_modules/\r\n.env\r\ndist",
      "node_modules/\r\n.env\r\ndist\r\n.supamigrate/\r\n.env.local\r\n",
    ],
    [".env*\n/.supamigrate\n", ".env*\n/.supamigrate\n!.env.example\n"],
    [".env\n*.local\n.supamigrate/\n", ".env\n*.local\n.supamigrate/\n"],
    ["", ".supamigrate/\n.env\n.env.local\n"],
  ];
  for (const [before, after] of cases) {
    await using repository = await RepositoryFolder.create({ ".gitignore": before });
    await repository.run(["init", "--yes"]);
    assert.equal(await repository.read(".gitignore"), after);
  }
});

Deno.test("init adds settings to an .env.example that has none of them, and says nothing twice", async () => {
  const text = "NEXT_PUBLIC_SUPABASE_URL=\nSUPABASE_SERVICE_ROLE_KEY=";
  await using repository = await RepositoryFolder.create({ ".env.example": text });
  await repository.run(["init", "--yes"]);
  assert.match(
    await repository.read(".env.example"),
    /^NEXT_\S+\nSUPABASE_SERVICE_ROLE_KEY=\n# .*\nSUPABASE_URL=\n$/,
  );
});

Deno.test("init asks before it writes, changes nothing in a dry run, and writes JSON", async () => {
  const files = { "package.json": '{"name":"shop"}', ".git/HEAD": "" };
  await using repository = await RepositoryFolder.create(files);
  const before = await repository.list();
  const asked = await repository.run(["init"]);
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /no terminal to ask on[^]*--dry-run, then add --yes/);

  const dry = await repository.run(["init", "--dry-run", "--workflow"]);
  assert.match(
    dry.stdout,
    /📄 \.github\/workflows\/migrate\.yml[^]*🔍 Dry run: nothing was changed\n$/,
  );
  const json = JSON.parse((await repository.run(["init", "--dry-run", "--json"])).stdout);
  assert.equal(json.folder, "migrations");
  assert.equal(json.dryRun, true);
  assert.deepEqual(json.next, [
    "npm install",
    "npx supamigrate create first_tables",
    "npx supamigrate migrate",
  ]);
  assert.deepEqual(
    json.edits.map(({ path, action }: { path: string; action: string }) => [action, path]),
    [
      ["make", "migrations/"],
      ["create", "migrations/.gitkeep"],
      ["extend", "package.json"],
      ["create", ".gitignore"],
      ["create", ".env.example"],
    ],
  );
  assert.deepEqual(await repository.list(), before);
});

Deno.test("init on a terminal shows what it would write, and writes it after a yes alone", async () => {
  await using repository = await RepositoryFolder.create({ "package.json": "{}" });
  const start = () => {
    const { args, ...options } = repository.command(["init"]);
    return Terminal.spawn(args, options);
  };
  const refused = start();
  await refused.see(/script migrate:status[^]*Write that\? \(yes\/no\): /);
  refused.type("no\r");
  assert.equal(await refused.end(), 2);
  assert.match(refused.text, /Not confirmed: nothing was changed/);
  assert.deepEqual(await repository.list(), { "package.json": "{}" });

  // What was saved while the question stood there is not lost.
  const overtaken = start();
  await overtaken.see(/Write that\?/);
  await repository.write("package.json", '{ "name": "shop" }');
  overtaken.type("yes\r");
  assert.equal(await overtaken.end(), 2);
  assert.match(overtaken.text, /"package\.json" was changed meanwhile/);
  assert.deepEqual(await repository.list(), { "package.json": '{ "name": "shop" }' });

  const agreed = start();
  await agreed.see(/Write that\?/);
  agreed.type("yes\r");
  assert.equal(await agreed.end(), 0);
  assert.match(agreed.text, /✅ Migrations can be run here\n💡 Next: npm install/);
  assert(".gitignore" in await repository.list());
});

Deno.test("init below the root of a repository works at the root", async () => {
  await using repository = await RepositoryFolder.create({
    "package.json": "{}",
    "src/pages/index.ts": "",
  });
  const { code, stdout } = await repository.run(["init", "--yes"], { folder: "src/pages" });
  assert.equal(code, 0);
  assert.match(stdout, /The repository begins at \.\.\/\.\.$/m);
  const files = await repository.list();
  assert(".gitignore" in files && !("src/pages/.gitignore" in files));
});

Deno.test("init --dir writes the folder into the tasks, named from the root", async () => {
  await using repository = await RepositoryFolder.create({ "deno.json": "{}", "src/main.ts": "" });
  const { code } = await repository.run(["init", "--yes", "--dir", "../db/steps"], {
    folder: "src",
  });
  assert.equal(code, 0);
  const { tasks } = JSON.parse(await repository.read("deno.json"));
  assert.match(tasks.migrate, / migrate --dir db\/steps$/);
  assert.match(tasks["migrate:create"], /--allow-write=db\/steps /);
  const outside = await repository.run(["init", "--yes", "--dir", "../elsewhere"]);
  assert.match(outside.stderr, /The folder "\.\.\/elsewhere" is not inside the repository/);
});

Deno.test("init --dir writes a folder's name so that no shell takes it for a command", async () => {
  await using repository = await RepositoryFolder.create({ "package.json": "{}" });
  const { code } = await repository.run(["init", "--yes", "--dir", "my $(id) `id`"]);
  assert.equal(code, 0);
  const { scripts } = JSON.parse(await repository.read("package.json"));
  const printed = await new Deno.Command("sh", {
    args: ["-c", scripts.migrate.replace(/^supamigrate/, "printf '%s|'")],
  }).output();
  assert.equal(new TextDecoder().decode(printed.stdout), "migrate|--dir|my $(id) `id`|");
});

const broken: Record<string, [files: Record<string, string>, message: RegExp]> = {
  "a broken package.json": [
    { "package.json": '{\n  "name": \n}\n' },
    /Cannot read "package\.json": \S+ in line 3/,
  ],
  "comments in package.json": [{ "package.json": "// mine\n{}" }, /Cannot read "package\.json"/],
  "an empty package.json": [{ "package.json": "" }, /Cannot read "package\.json"/],
  "scripts that are none": [{ "package.json": '{"scripts":[]}' }, /"scripts" is no object/],
  "scripts that are null": [{ "package.json": '{"scripts":null}' }, /"scripts" is no object/],
  "dependencies that are null": [
    { "package.json": '{"devDependencies":null}' },
    /"devDependencies" is no object/,
  ],
  "a broken deno.json": [{ "deno.json": '{"tasks":{}' }, /Cannot read "deno\.json"/],
  "a file called migrations": [{ "migrations": "" }, /"migrations" is a file, and not a folder/],
};

for (const [what, [files, message]] of Object.entries(broken)) {
  Deno.test(`init refuses ${what}, and changes nothing`, async () => {
    await using repository = await RepositoryFolder.create(files);
    const { code, stderr } = await repository.run(["init", "--yes"]);
    assert.equal(code, 2);
    assert.match(stderr, message);
    assert.deepEqual(await repository.list(), files);
  });
}

for (
  const [path, target] of [
    ["package.json", "elsewhere/package.json"],
    [".env.example", "nowhere"],
    [".github", "elsewhere"],
    ["migrations", "nowhere"],
  ] as const
) {
  Deno.test(`init does not write through ${path} where it leads to ${target}, and changes nothing then`, async () => {
    await using repository = await RepositoryFolder.create({
      "elsewhere/package.json": "{}",
      ".git/HEAD": "ref: refs/heads/main\n",
    });
    await Deno.symlink(target, `${repository.path}/${path}`);
    const before = await repository.list();
    const { code, stderr } = await repository.run(["init", "--yes", "--workflow"]);
    assert.equal(code, 2);
    assert.ok(stderr.includes(`"${path}" is a symbolic link`), stderr);
    assert.deepEqual(await repository.list(), before);
  });
}
