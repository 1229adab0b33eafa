import assert from "node:assert/strict";
import { findHistories, matchHistory } from "../../lib/adoption/histories.ts";
import type { HistoryRow } from "../../lib/adoption/history.ts";
import { flywayChecksum } from "../../lib/adoption/texts.ts";
import type { Migration } from "../../lib/planning/plan.ts";

const COLUMNS = {
  schema_migrations: ["version", "dirty"],
  __drizzle_migrations: ["id", "hash", "created_at"],
  flyway_schema_history: ["installed_rank", "version", "type", "script", "checksum", "success"],
  goose_db_version: ["id", "version_id", "is_applied", "tstamp"],
} as const;

function toFile(name: string, sql = "select 1;"): Migration {
  return {
    name,
    forward: { sql, line: 1 },
    rollback: null,
    checksum: "",
    statementsChecksum: "",
    isTemplate: false,
  };
}

/** What a history says of files, by their names. */
function match(
  table: keyof typeof COLUMNS,
  rows: readonly HistoryRow[],
  names: readonly string[],
  journal: ReadonlyMap<string, string> = new Map(),
) {
  const [found] = findHistories([{
    schema: "public",
    table,
    columns: COLUMNS[table],
    neighbours: [],
    rows: rows.length,
  }]);
  const files = names.map((name) => toFile(name));
  const { matched, withoutFile, unclean } = matchHistory(found!.format, rows, { files, journal });
  return { matched: matched.map(({ migration: { name } }) => name), withoutFile, unclean };
}

const flyway = (version: string | null, script: string, type = "SQL"): HistoryRow => ({
  installed_rank: String(script.length),
  version,
  script,
  type,
  checksum: null,
  success: true,
});

Deno.test("a version of Flyway's is none of the numbers that other files have", () => {
  const rows = [flyway("2", "V2__x.sql"), flyway("1.2", "V1.2__x.sql")];
  const counted = ["1_1_2_x.sql", "2_2_x.sql", "3_3_y.sql"];
  assert.deepEqual(match("flyway_schema_history", rows, counted).matched, [
    "2_2_x.sql",
    "1_1_2_x.sql",
  ]);
  assert.deepEqual(match("flyway_schema_history", rows, ["1_1_2_x.sql", "2_other.sql"]), {
    matched: ["1_1_2_x.sql"],
    withoutFile: ["V2__x.sql"],
    unclean: [],
  });
});

Deno.test("a baseline of Flyway's stands for the files up to its version", () => {
  const rows = [flyway("1.1", "<< Flyway Baseline >>", "BASELINE")];
  const files = ["V1__a.sql", "V1.1__b.sql", "V1.10__c.sql", "V2__d.sql"];
  assert.deepEqual(match("flyway_schema_history", rows, files).matched, files.slice(0, 2));
});

Deno.test("golang-migrate's table has the last version alone, and none where all is undone", () => {
  const files = ["000001_a.up.sql", "000002_b.up.sql", "000010_c.up.sql"];
  const at = (version: string) => match("schema_migrations", [{ version, dirty: false }], files);
  assert.deepEqual(at("2").matched, files.slice(0, 2));
  assert.deepEqual(at("-1").matched, []);
  assert.deepEqual(at("20240101000000123").withoutFile, ["20240101000000123"]);
});

Deno.test("what goose has undone and applied again stands behind what it applied since", () => {
  const row = (id: number, version_id: string, is_applied: boolean): HistoryRow => ({
    id: String(id),
    version_id,
    is_applied,
    tstamp: null,
  });
  const rows = [
    row(1, "1", true),
    row(2, "2", true),
    row(3, "1", false),
    row(10, "1", true),
    row(11, "3", true),
    row(12, "3", false),
  ];
  const files = ["00001_a.sql", "00002_b.sql", "00003_c.sql"];
  assert.deepEqual(match("goose_db_version", rows, files).matched, ["00002_b.sql", "00001_a.sql"]);
});

Deno.test("Drizzle's journal says which file a row is where its text is another one", () => {
  const rows = [{ id: "1", hash: "of another text", created_at: "1704067200000" }];
  const journal = new Map([["1704067200000", "0000_a"]]);
  assert.deepEqual(match("__drizzle_migrations", rows, ["0000_a.sql"], journal).matched, [
    "0000_a.sql",
  ]);
  assert.deepEqual(match("__drizzle_migrations", rows, ["0000_a.sql"]).withoutFile, [
    "the file with the SHA-256 of another text",
  ]);
});

Deno.test("a table that only has the name of a history is none", () => {
  const table = { schema: "public", neighbours: [], rows: 1 };
  assert.deepEqual(
    findHistories([
      { ...table, table: "schema_migrations", columns: ["version", "inserted_at"] },
      { ...table, table: "changes", columns: ["id"] },
      { ...table, table: "schema_migrations", columns: ["version"], rows: 0 },
    ]),
    [],
  );
});

Deno.test("Flyway's checksum takes no notice of line ends", () => {
  // By zlib: the CRC32 of "ab".
  assert.equal(flywayChecksum("a\r\nb\n"), 0x9e83486d | 0);
  assert.equal(flywayChecksum("\ufeffa\nb"), 0x9e83486d | 0);
});

Deno.test("what is no number where a tool has one is no defect", () => {
  const files = ["1_a.sql", "V1__a.sql"];
  const id = { id: "x", version_id: "y", is_applied: true, hash: "z", created_at: "now" };
  const none = { matched: [], unclean: [] };
  assert.deepEqual(match("goose_db_version", [id, { ...id, id: "7" }], files), {
    ...none,
    withoutFile: ["y"],
  });
  assert.deepEqual(match("__drizzle_migrations", [id], files), {
    ...none,
    withoutFile: ["the file with the SHA-256 z"],
  });
  assert.deepEqual(match("schema_migrations", [{ version: "one", dirty: false }], files), {
    matched: [],
    withoutFile: [],
    unclean: [{ label: "one", says: "is no version" }],
  });
  assert.deepEqual(
    match("flyway_schema_history", [flyway("one", "V1__a.sql", "BASELINE")], files).matched,
    [],
  );
});
