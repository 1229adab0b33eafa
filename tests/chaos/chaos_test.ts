import assert from "node:assert/strict";
import { FAULTS } from "./faults.ts";
import { buildControl, CONTROLS, tryControl } from "./controls.ts";
import { faultsOf, planRound } from "./plan.ts";
import { runChaos } from "./run.ts";

// The short form, with a lane on each server; `deno task chaos` plays as many rounds as wanted. Of the
// first seeds these are such as have the most kinds of faults in so few rounds.
const ROUNDS = 16;
const DIRECT_ROUNDS = 8;
const BUILDS = 4;
const BATCHES = 2;
const COPIES = 4;
const LANES = 2;

// PostgreSQL's and PostgREST's connections end when they like, also between two tests.
const unsanitized = { sanitizeOps: false, sanitizeResources: false };

Deno.test(`${ROUNDS} rounds of faults leave nothing lost, nothing twice and nothing open`, {
  ...unsanitized,
}, async () => {
  const { rounds, byFault, violations, unplayed } = await runChaos({
    seed: 3775,
    rounds: Array.from({ length: ROUNDS }, (_, round) => round),
    lanes: LANES,
  });
  assert.deepEqual([violations, unplayed], [[], []]);
  assert.equal(rounds, ROUNDS);
  // A fault that never happens proves nothing.
  const happened = Object.values(byFault).filter((count) => count > 0).length;
  assert.ok(happened > Object.keys(FAULTS).length / 2, JSON.stringify(byFault));
});

Deno.test(`${DIRECT_ROUNDS} rounds of faults on direct connections leave nothing behind either`, {
  ...unsanitized,
}, async () => {
  const { rounds, byFault, violations, unplayed } = await runChaos({
    seed: 3056,
    rounds: Array.from({ length: DIRECT_ROUNDS }, (_, round) => round),
    lanes: LANES,
    via: "direct",
  });
  assert.deepEqual([violations, unplayed], [[], []]);
  assert.equal(rounds, DIRECT_ROUNDS);
  const happened = Object.values(byFault).filter((count) => count > 0).length;
  assert.ok(happened > faultsOf("direct").length / 3, JSON.stringify(byFault));
});

Deno.test(
  `${BUILDS} rounds of faults at concurrent builds leave no index invalid, missing or twice`,
  {
    ...unsanitized,
  },
  async () => {
    const { rounds, violations, unplayed } = await runChaos({
      seed: 1,
      rounds: Array.from({ length: BUILDS }, (_, round) => round),
      lanes: LANES,
      via: "builds",
    });
    assert.deepEqual([violations, unplayed], [[], []]);
    assert.equal(rounds, BUILDS);
  },
);

Deno.test(
  `${BATCHES} rounds of faults at ranges leave each row changed once`,
  unsanitized,
  async () => {
    const { rounds, violations, unplayed } = await runChaos({
      seed: 61,
      rounds: Array.from({ length: BATCHES }, (_, round) => round),
      lanes: LANES,
      via: "batches",
    });
    assert.deepEqual([violations, unplayed], [[], []]);
    assert.equal(rounds, BATCHES);
  },
);

Deno.test(
  `${COPIES} rounds of faults leave no row neither there nor kept`,
  unsanitized,
  async () => {
    const { rounds, violations, unplayed } = await runChaos({
      seed: 3,
      rounds: Array.from({ length: COPIES }, (_, round) => round),
      lanes: LANES,
      via: "copies",
    });
    assert.deepEqual([violations, unplayed], [[], []]);
    assert.equal(rounds, COPIES);
  },
);

// Begun where it is known to be caught.
const CAUGHT_IN = {
  "with a new operation id on retry": 3,
  "without the revoke from anon": 0,
  "with copies dropped that are not back": 6,
};

for (const [name, first] of Object.entries(CAUGHT_IN)) {
  Deno.test(`the rig catches a build ${name}`, unsanitized, async () => {
    const { caughtAfter } = await tryControl(name, { seed: 3, first, most: 200, lanes: 1 });
    assert.notEqual(caughtAfter, null);
  });
}

for (const name of Object.keys(CONTROLS)) {
  Deno.test(`the code still has a place for the flaw "${name}"`, async () => {
    const folder = await Deno.makeTempDir();
    try {
      await buildControl(name, folder);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}

Deno.test("a round is planned by its seed and number alone", () => {
  for (let round = 0; round < 200; round++) {
    assert.deepEqual(planRound(7, round), planRound(7, round));
  }
  const plans = Array.from({ length: 200 }, (_, round) => JSON.stringify(planRound(7, round)));
  assert.equal(new Set(plans).size, plans.length);
});
