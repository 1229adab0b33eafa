import assert from "node:assert/strict";
import { formatPutBack } from "../../lib/output/kept.ts";

Deno.test("what a rollback could not put back is told by how much of it is in the copy alone", () => {
  const tell = (putBack: number, rows: number) =>
    formatPutBack([{
      id: 1,
      relation: "app.n",
      copy: "app.n_1",
      rows,
      putBack,
      reason: "the table is gone",
    }])[0]!.trim().replace(/ in supamigrate_backup.*/, "");
  assert.deepEqual([tell(0, 2), tell(0, 1), tell(1, 2), tell(1, 3)], [
    "⚠️  0 of 2 rows of app.n put back: the table is gone. All are",
    "⚠️  0 of 1 row of app.n put back: the table is gone. It is",
    "⚠️  1 of 2 rows of app.n put back: the table is gone. The other is",
    "⚠️  1 of 3 rows of app.n put back: the table is gone. The others are",
  ]);
});
