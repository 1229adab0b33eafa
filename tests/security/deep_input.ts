/** Input that goes too deep: the server says so, and works on. */

import assert from "node:assert/strict";
import { testOnEveryDatabase, testOnServers } from "../support/projects.ts";

const endless = {
  "function": `
    create function descend() returns void language plpgsql as $$ begin perform descend(); end $$;
    select descend();`,
  "trigger": `
    create table falling (id int);
    create function fall() returns trigger language plpgsql as $$
      begin insert into falling values (1); return new; end $$;
    create trigger fall before insert on falling for each row execute function fall();
    insert into falling values (1);`,
  "function in SQL": `
    create function sink(n int) returns int language sql as 'select n';
    create or replace function sink(n int) returns int language sql volatile
      as 'select sink(n + 1) + 1';
    select sink(1);`,
};

for (const [what, sql] of Object.entries(endless)) {
  // Planning takes more of JavaScript's stack than the embedded database can look after.
  const test = what === "function in SQL" ? testOnServers : testOnEveryDatabase;
  test(`a ${what} that calls itself without end fails alone`, async (project) => {
    const { success, results } = await project.migrator({ "1_deep.sql": sql }).migrate();
    assert.equal(success, false);
    assert.equal(results[0]?.error?.code, "54001", JSON.stringify(results[0]?.error?.message));
    const after = await project.migrator({ "1_deep.sql": "create table a ();" }).migrate();
    assert.equal(after.success, true);
  });
}

testOnServers("JSON that is nested too deep is refused, and changes nothing", async (project) => {
  const records = await project.records();
  for (const depth of [100_000, 1_000_000]) {
    const nested = "[".repeat(depth) + "]".repeat(depth);
    const response = await fetch(`${project.url}/rest/v1/rpc/exec_sql`, {
      method: "POST",
      headers: { apikey: project.serviceKey, "content-type": "application/json" },
      body: `{"sql_query": "select supamigrate.acquire($1)", "params": {"token": ${nested}}}`,
    });
    assert.equal((await response.json()).code, "54001");
    assert.deepEqual(await project.records(), records);
  }
  assert.equal((await project.migrator({ "1_a.sql": "select 1;" }).migrate()).success, true);
});
