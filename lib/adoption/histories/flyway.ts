/** The history of Flyway. @module */

import {
  byVersion,
  type ForeignRecord,
  hasColumns,
  type HistoryFormat,
  type HistoryRow,
  inOrderOf,
  stemOf,
  text,
  time,
  toVersion,
  versionOf,
  wholeNumber,
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
        text(row.type) === "BASELINE" ? readBaseline(row, files) : [toRecord(row, files)]
      ),
      unclean: latest.filter(({ success }) => success !== true)
        .map(({ script }) => ({ label: text(script), says: "has failed" })),
    };
  },
};

type Files = Parameters<HistoryFormat["read"]>[1]["files"];

function toRecord(row: HistoryRow, files: Files): ForeignRecord {
  const script = text(row.script).split("/").at(-1)!;
  return {
    label: script,
    names: findNames(row, script, files),
    appliedAt: time(row.installed_on),
    saysTheSame: ({ forward }) =>
      row.checksum === null
        ? undefined
        : variantsOf(forward.sql).some((sql) => flywayChecksum(sql) === Number(row.checksum)),
  };
}

/** The number in front of a name is a version of Flyway's behind a V alone. */
function findNames(row: HistoryRow, script: string, files: Files): ForeignRecord["names"] {
  if (row.version === null) return ({ name }) => name === script;
  const hasVersion = byVersion(text(row.version));
  if (files.some(({ name }) => isFlyways(name))) {
    return (file) => isFlyways(file.name) && hasVersion(file);
  }
  // What `import` calls V1.2__x.sql: 1_2_x.sql, perhaps with zeros or another number in front.
  const stem = script.replace(/^V/i, "").replace(/\.sql$/i, "").replace("__", "_")
    .replace(/^[\d.]+/, (version) => version.replaceAll(".", "_"));
  const isCalled = (name: string) => stemOf(name).replace(/^0+(?=\d)/, "") === stem;
  return files.some(({ name }) => isCalled(name))
    ? ({ name }) => isCalled(name)
    : ({ name }) => stemOf(name).replace(/^\d+_/, "") === stem;
}

function isFlyways(name: string): boolean {
  return /^V\d/i.test(name);
}

/** A baseline stands for all files up to its version. */
function readBaseline(row: HistoryRow, files: Files): ForeignRecord[] {
  const last = toVersion(text(row.version));
  const label = `Flyway's baseline ${last}`;
  const appliedAt = time(row.installed_on);
  const versions = files.filter(({ name }) => isFlyways(name)).map(({ name }) => versionOf(name))
    .filter((version): version is string => version !== null && !isAfter(version, last));
  if (versions.length === 0) return [{ label, names: () => false, appliedAt }];
  return versions.map((version) => ({
    label: `${version} (below ${label})`,
    names: (file) => isFlyways(file.name) && byVersion(version)(file),
    appliedAt,
  }));
}

function isAfter(a: string, b: string): boolean {
  const parts = (version: string) => version.split(".").map((part) => wholeNumber(part) ?? 0n);
  const [x, y] = [parts(a), parts(b)];
  for (let part = 0; part < Math.max(x.length, y.length); part++) {
    const [left, right] = [x[part] ?? 0n, y[part] ?? 0n];
    if (left !== right) return left > right;
  }
  return false;
}
