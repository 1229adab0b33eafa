/** Names and holders through the library: what it takes comes back as it was given. */

import assert from "node:assert/strict";
import { Random } from "../support/random.ts";
import { testOnEveryDatabase } from "../support/projects.ts";
import { Hostile } from "./fuzz/hostile.ts";

const random = new Random(20_250_726);
const hostile = new Hostile(random);

/** A name for each trap, and some that a seed makes. Numbers keep them in order and apart. */
const names = [
  ...[`quote's`, `double"quoted"`, `back\\slash`, `dollar$$ $1 $tag$`, `percent %s %I %L %%`],
  ...[`'); drop schema supamigrate cascade; --`, `"; drop table a; --`, `$function$; select 1;`],
  ...[`line\nfeed`, `carriage\rreturn`, `tab\t`, `escape\u001b[31m`, `bell\u0007`, `del\u007f`],
  ...[`next\u0085line`, `line\u2028separator`, `bidi\u202e`, `mark\ufeff`, `joined👩‍👩‍👧`],
  ...[`composed é`, `decomposed e\u0301`, `not a character \uffff`, `replacement \ufffd`],
  ...[` spaces `, `path/../../etc/passwd`, `null`, `__proto__`, `constructor`, `{"a": [1]}`],
  ...Array.from(
    { length: 17 },
    (_, plane) => `plane ${String.fromCodePoint(plane * 0x10000 + 0x4e2d)}`,
  ),
  ...Array.from({ length: 15 }, () => hostile.text()),
].map((text, index) => `${index + 1}_${[...text].slice(0, 200).join("")}.sql`)
  .filter((name) => !name.includes("deprecated"));

const longest = `9_${"\u{10ffff}".repeat(249)}.sql`;

testOnEveryDatabase("names come back as they were given", async (project) => {
  const files = Object.fromEntries(
    [...names, longest].map((name) => [name, "select 1;\n-- ROLLBACK\nselect 2;"]),
  );
  const holder = `'"\\$$%s\n\u202e\u{10ffff}; drop schema supamigrate cascade; --`;
  const migrator = project.migrator(files, { holder, processId: holder, batchSize: 1000 });

  const before = await migrator.status();
  assert.deepEqual(before.pending.map(({ name }) => name).sort(), Object.keys(files).sort());
  const { results, success } = await migrator.migrate({ transaction: "batch" });
  assert.equal(success, true, JSON.stringify(results.filter(({ error }) => error)));
  const inOrder = results.map(({ name }) => name);
  assert.deepEqual([...inOrder].sort(), Object.keys(files).sort());

  const after = await migrator.status();
  assert.deepEqual([after.upToDate, after.executed], [true, inOrder.length]);
  const { history, lock } = await project.records();
  assert.deepEqual(history.map(({ migration_name }) => migration_name), inOrder);
  assert.deepEqual([lock[0]?.locked_by, lock[0]?.process_id], [holder, holder]);

  const undone = await migrator.rollback({ target: "0" });
  assert.deepEqual(undone.results.map(({ name }) => name), inOrder.toReversed());
  const entries = await migrator.history({ limit: 1000 });
  assert.deepEqual(
    entries.filter(({ action }) => action === "apply").map(({ migration }) => migration),
    inOrder.toReversed(),
  );
  assert.ok(entries.every(({ actor }) => actor === holder));

  const last = inOrder.at(-1)!;
  assert.deepEqual((await migrator.baseline(last)).recorded, inOrder);
  assert.equal((await migrator.repair(last, { mark: "pending" })).name, last);
});

const unfit = {
  "1_nul\0.sql": /holds a NUL character/,
  "1_half\ud800.sql": /holds half a character/,
  "1_other half\udfff.sql": /holds half a character/,
  [`1_${"x".repeat(250)}.sql`]: /has 256 characters/,
  [`1_${"\u{10ffff}".repeat(250)}.sql`]: /has 256 characters/,
};
testOnEveryDatabase(
  "names that cannot be stored are refused before anything is changed",
  async (project) => {
    const records = await project.records();
    for (const [name, message] of Object.entries(unfit)) {
      const migrator = project.migrator({ "0_fine.sql": "select 1;", [name]: "select 1;" });
      for (
        const work of [
          () => migrator.migrate(),
          () => migrator.migrate({ dryRun: true }),
          () => migrator.fresh(),
          () => migrator.baseline("0_fine"),
        ]
      ) {
        await assert.rejects(work, { name: "MigrationFileError", message });
      }
      const { refusals } = await migrator.status();
      assert.deepEqual(refusals.map((refusal) => message.test(refusal.message)), [true]);
    }
    assert.deepEqual(await project.records(), records);
  },
);

testOnEveryDatabase(
  "SQL that cannot be stored is refused before anything is changed",
  async (project) => {
    const records = await project.records();
    for (
      const [text, message] of [["\0", /holds a NUL/], [
        "\udc00",
        /holds half a character/,
      ]] as const
    ) {
      for (const file of ["1_a.sql", "1_a.down.sql"]) {
        const files = { "1_a.sql": "select 1;", [file]: `select 1;\nselect '${text}';` };
        await assert.rejects(project.migrator(files).migrate(), {
          name: "MigrationFileError",
          message,
          position: { file, line: 2 },
        });
      }
    }
    assert.deepEqual(await project.records(), records);
  },
);

testOnEveryDatabase("a holder that cannot be stored is refused at once", (project) => {
  for (const text of ["\0", "\ud800", "x\udfff"]) {
    for (const option of ["holder", "processId"]) {
      assert.throws(() => project.migrator({ "1_a.sql": "" }, { [option]: text }), {
        name: "ConfigurationError",
        message: new RegExp(`^${option} `),
      });
    }
  }
  return Promise.resolve();
});
