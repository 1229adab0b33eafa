import assert from "node:assert/strict";
import { CHANGES } from "./changes.ts";
import { makeRoundTrip, openBase, pickChanges } from "./round_trips.ts";

/** How many random sets there are here; `deno task round-trips` has more. */
const SETS = 5;

const quietly = { sanitizeOps: false, sanitizeResources: false }; // PGlite keeps timers

Deno.test({
  name: "every kind of change is seen, taken back and made again by the planned statements",
  ...quietly,
  fn: async (test) => {
    const database = await openBase();
    await using _ = database.shadow;
    assert.deepEqual(await makeRoundTrip(database, CHANGES), []);

    // The database is as it was before, and opening one takes as long as two of these.
    for (let seed = 1; seed <= SETS; seed++) {
      await test.step(`so are random sets of them (seed ${seed})`, async () => {
        assert.deepEqual(await makeRoundTrip(database, pickChanges(seed)), []);
      });
    }
  },
});
