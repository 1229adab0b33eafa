/** Flyway. @module */

import { compareMigrations } from "../planning/order.ts";
import { baseName, type FileFormat, inTransaction, matching } from "./format.ts";
import { oneByOne } from "./parts.ts";

const VERSIONED = /^(?:.*\/)?V(\d+(?:[._]\d+)*)__([^/]+)\.sql$/;

/** The files of Flyway: `V1_2__x.sql`, `U1_2__x.sql`; repeatable ones and baselines are named. */
export const flywayFiles: FileFormat = {
  name: "flyway",
  title: "Flyway",
  recognise: (files) => matching(files, VERSIONED).length > 0,
  async read(files) {
    const undos = matching(files, /^(?:.*\/)?U\d+(?:[._]\d+)*__[^/]+\.sql$/);
    const used = new Set<string>();
    const paths = matching(files, VERSIONED)
      .sort((a, b) => compareMigrations(baseName(a), baseName(b)));
    const migrations = await Promise.all(
      paths.map(async (path) => {
        const [, version, description] = VERSIONED.exec(path)!;
        const undo = undos.find((other) => versionOf(other) === versionOf(path));
        if (undo !== undefined) used.add(undo);
        const forward = files.get(path)!;
        const placeholder = /\$\{[\w:.]+\}/.exec(forward)?.[0];
        const isAlone = /^executeInTransaction\s*=\s*false/m.test(files.get(`${path}.conf`) ?? "");
        return {
          from: undo === undefined ? [path] : [path, undo],
          name: `${version!.replaceAll(".", "_")}_${description}`,
          forward,
          rollback: undo === undefined ? null : files.get(undo)!,
          // Flyway finds out by itself what cannot run in a transaction.
          sends: isAlone || /\bconcurrently\b|\bvacuum\b/i.test(forward)
            ? await oneByOne(forward)
            : inTransaction(forward),
          notes: placeholder === undefined
            ? []
            : [`the placeholder ${placeholder} is not filled in; write the value into the file`],
        };
      }),
    );
    return {
      migrations,
      notConverted: [
        ...matching(files, /^(?:.*\/)?R__[^/]*\.sql$/).map((file) => ({
          file,
          reason: "is repeatable: put it into a plain folder as it is, where it runs last and " +
            "again when it is changed",
        })),
        ...matching(files, /^(?:.*\/)?B\d[^/]*__[^/]*\.sql$/).map((file) => ({
          file,
          reason: "is a baseline, which stands for the migrations before it",
        })),
        ...undos.filter((path) => !used.has(path))
          .map((file) => ({ file, reason: "undoes a migration that is not there" })),
        ...matching(files, /^(?:.*\/)?[VRU][^/]*__[^/]*\.(?:java|class)$/)
          .map((file) => ({ file, reason: "is written in Java: write its SQL by hand" })),
      ],
    };
  },
};

/** `1.2`, `1_2` and `01.2.0` are one version. */
function versionOf(path: string): string {
  const parts = /^[VU](\d+(?:[._]\d+)*)__/.exec(baseName(path))![1]!.split(/[._]/)
    .map((part) => String(BigInt(part)));
  return parts.join(".").replace(/(?:\.0)+$/, "");
}
