import assert from "node:assert/strict";
import { toResult, Workspace } from "../support/cli.ts";

const README = new URL("../../README.md", import.meta.url);
const UPDATE = Deno.env.get("UPDATE_SNAPSHOTS") === "1";

Deno.test("the README shows what --help prints", async () => {
  await using workspace = await Workspace.create();
  const { code, stdout } = await workspace.run(["--help"]);
  assert.equal(code, 0);
  const help = stdout.split("\n").map((line) => line.trimEnd()).join("\n").trim();
  const readme = await Deno.readTextFile(README);
  const renewed = readme.replace(
    /<!-- help -->[^]*<!-- \/help -->/,
    () => `<!-- help -->\n\n\`\`\`\n${help}\n\`\`\`\n\n<!-- /help -->`,
  );
  if (UPDATE) await Deno.writeTextFile(README, renewed);
  else assert.equal(readme, renewed, "renew it with UPDATE_SNAPSHOTS=1");
});

Deno.test("help and --help of a command print the same, and so does a bare call", async () => {
  await using workspace = await Workspace.create();
  const [viaCommand, viaFlag] = [
    await workspace.run(["help", "rollback"]),
    await workspace.run(["rollback", "--help"]),
  ];
  assert.equal(viaCommand.stdout, viaFlag.stdout);
  assert.match(viaFlag.stdout, /rollback \[target\]/);
  assert.equal((await workspace.run([])).stdout, (await workspace.run(["--help"])).stdout);
});

Deno.test("--version prints the version", async () => {
  await using workspace = await Workspace.create();
  const { version } = JSON.parse(
    await Deno.readTextFile(new URL("../../deno.json", import.meta.url)),
  );
  assert.match(
    (await workspace.run(["--version"])).stdout,
    new RegExp(version.replaceAll(".", "\\.")),
  );
});

Deno.test("help and the version are shown whatever else is asked for, and need no other word", async () => {
  await using workspace = await Workspace.create();
  const [help, ofMigrate, ofBash, version] = await Promise.all(
    [["--help"], ["migrate", "--help"], ["completions", "bash", "--help"], ["--version"]]
      .map(async (args) => (await workspace.run(args)).stdout),
  );
  const cases: [string[], string | undefined][] = [
    [["--help", "--json"], help],
    [["-h", "--embedded"], help],
    [["--dir", "x", "--help"], help],
    [["migrate", "--project", "x", "--help"], ofMigrate],
    [["--quiet", "migrate", "--dry-run", "-h"], ofMigrate],
    [["migrate", "--help", "--to"], ofMigrate],
    [["up", "--help", "--json"], ofMigrate],
    [["completions", "bash", "--verbose", "--help"], ofBash],
    [["create", "--help"], (await workspace.run(["help", "create"])).stdout],
    [["--version", "--json"], version],
    [["--no-color", "--version"], version],
    [["--version", "--help"], version],
    [["--dir", "x", "--version", "--json"], version],
  ];
  for (const [args, expected] of cases) {
    // The schemas are of documents.
    const { code, stdout, stderr } = toResult(await workspace.spawn(args).output());
    assert.deepEqual([args, code, stdout], [args, 0, expected]);
    assert.doesNotMatch(stderr, /❌|⚠️/); // Deno itself may warn of packages there
  }
  const misplaced = await workspace.run(["migrate", "--version"]);
  assert.match(misplaced.stderr, /Unknown option "--version"/);
  assert.equal(misplaced.code, 2);
});

for (const shell of ["bash", "zsh", "fish"]) {
  Deno.test(`completions ${shell} prints a script that names the commands`, async () => {
    await using workspace = await Workspace.create();
    const { code, stdout } = await workspace.run(["completions", shell]);
    assert.equal(code, 0);
    assert.match(stdout, /supamigrate/);
    assert.match(stdout, /rollback/);
  });
}
