import assert from "node:assert/strict";
import { expectedAccess } from "./access_matrix.ts";
import { type Persona, personas, prepareTables, type ProbedTable, Prober } from "./access_probe.ts";
import { testOnServers } from "./platform.ts";

const appendOnly = ["audit_log", "booking_status_history", "ledger_entries"];
const [header, ...lines] = expectedAccess.trim().split("\n").filter((line) => !/^--/.test(line));
const expected = new Map(
  lines.map((line) => {
    const [table = "", ...cells] = line.split(/\s+/);
    return [table, cells];
  }),
);
// The columns of the table are the personas in their order; the service role has a rule instead.
const columns = (Object.keys(personas) as Persona[]).filter((name) => name !== "service");

testOnServers("each kind of user may do in each table what the matrix says", async (platform) => {
  assert.equal(header?.split(/\s+/).length, columns.length + 1);
  const tables = await prepareTables(platform.sql);
  assert.deepEqual(tables.map(({ name }) => name).sort(), [...expected.keys()].sort());
  for (const { name, rows } of tables) {
    assert.ok(rows.a.length > 0 && rows.b.length > 0, `no rows in ${name}`);
  }
  const prober = await Prober.open(platform.project);
  await platform.project.reloadSchema();

  const wrong: string[] = [];
  const check = async (table: ProbedTable, persona: Persona, wanted: string | undefined) => {
    const found = await prober.probe(persona, table);
    if (found !== wanted) wrong.push(`${table.name} by ${persona}: ${found}, not ${wanted}`);
  };
  for (const table of tables) {
    const cells = expected.get(table.name)!;
    await Promise.all([
      ...columns.map((persona, index) => check(table, persona, cells[index])),
      check(table, "service", appendOnly.includes(table.name) ? "RI--" : "RIUD"),
    ]);
  }
  assert.deepEqual(wrong, []);
});
