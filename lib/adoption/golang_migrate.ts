/** golang-migrate. @module */

import { byNumber, type FileFormat, matching } from "./format.ts";

const UP = /^(\d+_[^/]*)\.up\.sql$/;

/** The files of golang-migrate: `000001_x.up.sql` and `000001_x.down.sql`. */
export const golangMigrateFiles: FileFormat = {
  name: "golang-migrate",
  title: "golang-migrate",
  recognise: (files) => matching(files, UP).length > 0,
  read(files) {
    const ups = matching(files, UP).sort(byNumber);
    const migrations = ups.map((path) => {
      const name = UP.exec(path)![1]!;
      // The number alone says what belongs together.
      const number = BigInt(/^\d+/.exec(name)![0]);
      const down = matching(files, /^\d+_[^/]*\.down\.sql$/)
        .find((other) => BigInt(/^\d+/.exec(other)![0]) === number);
      const forward = files.get(path)!;
      return {
        from: down === undefined ? [path] : [path, down],
        name,
        forward,
        rollback: down === undefined ? null : files.get(down)!,
        sends: [forward],
        notes: [],
      };
    });
    const used = new Set(migrations.flatMap(({ from }) => from));
    return {
      migrations,
      notConverted: matching(files, /^\d+_[^/]*\.down\.sql$/).filter((path) => !used.has(path))
        .map((file) => ({ file, reason: "undoes a migration that is not there" })),
    };
  },
};
