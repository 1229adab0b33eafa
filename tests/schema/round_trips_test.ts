import assert from "node:assert/strict";
import { CHANGES } from "./changes.ts";
import { makeRoundTrip, openBase, pickChanges } from "./round_trips.ts";

const quietly = { sanitizeOps: false, sanitizeResources: false }; // PGlite keeps timers

Deno.test({
  name: "every kind of change is seen, taken back and made again by the planned statements",
  ...quietly,
  fn: async () => {
    const database = await openBase();
    await using _ = database.shadow;
    assert.deepEqual(await makeRoundTrip(database, CHANGES), []);
  },
});

Deno.test({
  name: "random sets of changes make round trips (seeds 1 to 3)",
  ...quietly,
  fn: async () => {
    const database = await openBase();
    await using _ = database.shadow;
    for (let seed = 1; seed <= 3; seed++) {
      assert.deepEqual(
        await makeRoundTrip(database, pickChanges(seed)),
        [],
        `seed ${seed}`,
      );
    }
  },
});
