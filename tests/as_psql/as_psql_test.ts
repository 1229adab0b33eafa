/** psql and the tool end the same, over folders that are made up. */

import assert from "node:assert/strict";
import { startStack } from "../support/stack.ts";
import { type Ending, Pair, type Way } from "./compare.ts";
import { makeFolder } from "./folders.ts";

/** What psql runs and the tool refuses, saying why, before it sends anything. */
const REFUSED = {
  direct: /^"deallocate all" cannot be part|is used in the block that adds it/,
  api:
    /^"deallocate all" cannot be part|is used in the block that adds it|cannot run inside a trans/,
} as const;

async function compareFolders(major: 15 | 17, way: Way, count: number): Promise<Ending[]> {
  await using stack = await startStack({ major });
  await using pair = await Pair.open(stack);
  const endings: Ending[] = [];
  for (let number = 0; number < count; number++) {
    endings.push(await pair.compare(makeFolder(major, number), way));
  }
  return endings;
}

for (const [major, way] of [[15, "api"], [17, "direct"]] as const) {
  Deno.test(`psql and the tool end the same, ${way} (PostgreSQL ${major})`, async () => {
    const endings = await compareFolders(major, way, 12);
    for (const [number, { verdict, ran, what }] of endings.entries()) {
      const isSaid = verdict === "refused" && (!ran || REFUSED[way].test(what));
      assert.ok(verdict === "same" || isSaid, `folder ${number} of seed ${major}: ${what}`);
    }
    const ran = endings.filter((ending) => ending.ran && ending.verdict === "same");
    assert.ok(ran.length > 3, `only ${ran.length} folders ran to their end on both sides`);
  });
}

Deno.test("a folder is the same whenever it is made, and another one with another number", () => {
  assert.deepEqual(makeFolder(1, 7), makeFolder(1, 7));
  assert.notDeepEqual(makeFolder(1, 7), makeFolder(1, 8));
  assert.notDeepEqual(makeFolder(1, 7), makeFolder(2, 7));
});

Deno.test("a difference is found where the tool is given another folder than psql", async () => {
  await using stack = await startStack({ major: 17 });
  await using pair = await Pair.open(stack);
  const made = [{ name: "001_a.sql", sql: "create table a (id int);" }];
  const other = [{ name: "001_a.sql", sql: "create table a (id bigint);" }];
  const { verdict, what } = await pair.compare(made, "direct", other);
  assert.equal(verdict, "different");
  assert.match(what, /psql alone: .*integer[^]*supamigrate alone: .*bigint/);
});
