import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

const MIGRATIONS = {
  "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;",
  "002_b.sql": "create table b ();\n-- ROLLBACK\ndrop table b;",
};

Deno.test("what cannot be read is refused, and advice is given where it is plain what was meant", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  const cases: [string[], string][] = [
    [["migrate", "001"], '"migrate" takes no argument, but got "001"'],
    [["migrate", "--", "001"], '"migrate" takes no argument, but got "001"'],
    [["status", "help me"], '"status" takes no argument, but got "help me"'],
    [["migrate", "--steps", "1"], 'Unknown option "--steps"'],
    [["migrate", "--yse"], 'Unknown option "--yse"'],
    [["migrate", "--dry"], 'Unknown option "--dry". Did you mean option "--dry-run"?'],
    [["migrate", "--dryrun"], 'Unknown option "--dryrun". Did you mean option "--dry-run"?'],
    [["fresh", "--dry-run"], 'Unknown option "--dry-run"'],
    [["rollback", "--step"], 'Unknown option "--step". Did you mean option "--steps"?'],
    [["rollback", "--step", "1"], 'Unknown option "--step". Did you mean option "--steps"?'],
    [["rollback", "-1"], 'Unknown option "-1"'],
    [["create", "--dry-run", "x"], 'Unknown option "--dry-run"'],
    [["baseline", "--yes", "--all"], 'Unknown option "--all"'],
    [["stat"], 'Unknown command "stat". Did you mean command "status"?'],
    [["extra"], 'Unknown command "extra"'],
    [["help", "extra"], 'Unknown command "extra"'],
    [["help", "stat"], 'Unknown command "stat". Did you mean command "status"?'],
    [["unstall"], 'Unknown command "unstall"'], // install or uninstall
  ];
  for (const [args, message] of cases) {
    const { code, stdout, stderr } = await workspace.run(args);
    const said = stderr.split("\n").find((line) => line.startsWith("❌"));
    assert.equal(said, `❌ ${message}`, args.join(" "));
    assert.equal(stdout, "", args.join(" "));
    assert.equal(code, 2, args.join(" "));
  }
  for (const steps of ["-1", "0"]) {
    const { code, stderr } = await workspace.run(["rollback", "--steps", steps]);
    assert.match(stderr, new RegExp(`from 1 on, not ${steps}`));
    assert.equal(code, 2);
  }
});

Deno.test("options after -- are options", async () => {
  await using workspace = await Workspace.create(MIGRATIONS);
  const dry = await workspace.run(["migrate", "--", "--dry-run"]);
  assert.match(dry.stdout, /Dry run: nothing was changed/);
  const { stdout } = await workspace.run(["--", "status", "--", "--json"]);
  assert.equal(JSON.parse(stdout).pending.length, 2);
});

Deno.test("hints and usage name what can be typed", async () => {
  await using workspace = await Workspace.create();
  const first = async (...args: string[]) => {
    const { stdout, stderr } = await workspace.run(args);
    return `${stdout}${stderr}`.split("\n").find((line) => /^💡|^Usage:/.test(line))?.trim();
  };
  assert.equal(await first("nothing"), "💡 See deno task migrate:help");
  assert.equal(await first("rollback", "--x"), "💡 See deno task migrate:rollback --help");
  assert.equal(await first("rollback", "--help"), "Usage:   deno task migrate:rollback [target]");
});
