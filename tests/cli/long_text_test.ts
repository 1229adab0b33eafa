import assert from "node:assert/strict";
import { Workspace } from "../support/cli.ts";

/** PostgreSQL has megabytes to say about it. */
const FAILING = `do $body$
  declare all_of_it text := repeat(E'a line\\n', 300000);
  begin
    raise exception using message = 'It ends here: ' || all_of_it, detail = all_of_it;
  end $body$;
-- ROLLBACK
select 1;`;

Deno.test("of an error text of megabytes the beginning is shown, and --json has all of it", async () => {
  await using workspace = await Workspace.create({ "001_a.sql": FAILING });
  for (const command of ["migrate", "status", "history"]) {
    const { stdout, stderr } = await workspace.run([command], { GITHUB_ACTIONS: "true" });
    assert.match(stdout, /It ends here: /);
    assert.ok((stdout + stderr).length < 20_000, `${command}: ${(stdout + stderr).length}`);
    if (command === "history") continue;
    assert.match(stdout, /… \(2,09\d,\d{3} more characters: --json writes all of it\)/);
  }
  const json = await workspace.run(["status", "--json"]);
  assert.ok(JSON.parse(json.stdout).pending[0].error.message.length > 2_000_000);
  const report = await workspace.run(["report", "--no-shadow", "--out", "page.html"]);
  assert.equal(report.code, 0, report.stderr);
  const page = await Deno.readTextFile(`${workspace.path}/page.html`);
  assert.ok(page.length < 100_000, `${page.length} characters`);
  assert.match(page, /more characters: supamigrate history --json has all of it/);
});
