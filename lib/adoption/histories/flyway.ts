/** The history of Flyway. @module */

import {
  byVersion,
  type ForeignRecord,
  hasColumns,
  type HistoryFormat,
  type HistoryRow,
  inOrderOf,
  text,
  time,
  toVersion,
  versionOf,
} from "../history.ts";
import { flywayChecksum, variantsOf } from "../texts.ts";

/** `flyway_schema_history`, with a CRC32 of each file. */
export const flywayHistory: HistoryFormat = {
  name: "flyway",
  title: "Flyway",
  mend: "Undo by hand what it has done, and take it out of the history with flyway repair.",
  recognise: (table) =>
    table.table === "flyway_schema_history" &&
    hasColumns(table, "installed_rank", "version", "script", "checksum", "success"),
  read(rows, { files }) {
    const newest = new Map<string, HistoryRow>();
    for (const row of inOrderOf(rows, "installed_rank")) {
      // What is repeated has no version: its file names it.
      const key = row.version === null ? text(row.script) : toVersion(text(row.version));
      newest.delete(key);
      newest.set(key, row);
    }
    const latest = [...newest.values()];
    return {
      applied: latest.filter(({ success, type }) =>
        success === true && !/^(UNDO|DELETE|SCHEMA)/.test(text(type))
      ).flatMap((row) =>
        text(row.type) === "BASELINE" ? readBaseline(row, files) : [toRecord(row)]
      ),
      unclean: latest.filter(({ success }) => success !== true)
        .map(({ script }) => ({ label: text(script), says: "has failed" })),
    };
  },
};

function toRecord(row: HistoryRow): ForeignRecord {
  const script = text(row.script).split("/").at(-1)!;
  const version = row.version === null ? null : byVersion(text(row.version));
  return {
    label: script,
    names: (file) => version === null ? file.name === script : version(file),
    appliedAt: time(row.installed_on),
    saysTheSame: ({ forward }) =>
      row.checksum === null
        ? undefined
        : variantsOf(forward.sql).some((sql) => flywayChecksum(sql) === Number(row.checksum)),
  };
}

/** A baseline stands for all files up to its version. */
function readBaseline(row: HistoryRow, files: Parameters<HistoryFormat["read"]>[1]["files"]) {
  const last = toVersion(text(row.version));
  return files.map(({ name }) => versionOf(name))
    .filter((version): version is string => version !== null && !isAfter(version, last))
    .map((version): ForeignRecord => ({
      label: `${version} (below Flyway's baseline ${last})`,
      names: byVersion(version),
      appliedAt: time(row.installed_on),
    }));
}

function isAfter(a: string, b: string): boolean {
  const [x, y] = [a, b].map((version) => version.split(".").map(BigInt)) as [bigint[], bigint[]];
  for (let part = 0; part < Math.max(x.length, y.length); part++) {
    const [left, right] = [x[part] ?? 0n, y[part] ?? 0n];
    if (left !== right) return left > right;
  }
  return false;
}
