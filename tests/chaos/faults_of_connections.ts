/** What happens between PostgREST and PostgreSQL. */

import type { Incident, Scene } from "./faults.ts";
import type { WireFault } from "./wire_proxy.ts";

export const databaseConnectionFaults: Readonly<Record<string, Incident>> = {
  "database connection cut before a packet": wire(() => ({ kind: "cut before" })),
  "database connection cut after a packet": wire(() => ({ kind: "cut after" })),
  "database answer delayed": wire(({ random }) => ({
    kind: "delay",
    milliseconds: 50 + random.below(1500),
  })),
  "database answer truncated": wire(({ random }) => ({
    kind: "truncate",
    bytes: random.below(200),
  })),
  "database answer drips": wire(({ random }) => ({
    kind: "drip",
    milliseconds: 100 + random.below(1500),
  })),
};

/** A request takes PostgREST about six packets: from BEGIN to COMMIT. */
function wire(choose: (scene: Scene) => WireFault): Incident {
  return {
    group: "database connection",
    moments: ["before it is sent on"],
    happen: (scene) => {
      scene.lane.wire.arm(choose(scene), scene.random.below(6), scene.fired);
      return Promise.resolve();
    },
  };
}
