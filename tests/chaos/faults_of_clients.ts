/** What happens to the process of a client. */

import { setTimeout as delay } from "node:timers/promises";
import type { Incident } from "./faults.ts";

export const clientFaults: Readonly<Record<string, Incident>> = {
  "client killed (kill -9)": {
    group: "client",
    happen: async ({ client, fired }) => {
      if (client.signal("SIGKILL")) fired();
      await client.ended;
    },
  },

  "client stopped past its lease, then continued": {
    group: "client",
    happen: async ({ client, fired, leaseMs, random, migrateMeanwhile, beside }) => {
      if (!client.signal("SIGSTOP")) return;
      const others = random.below(2) === 0;
      beside((async () => {
        await delay(Math.min(leaseMs, 2000) + random.below(300));
        if (others) await migrateMeanwhile();
        if (client.signal("SIGCONT")) fired();
      })());
      await Promise.resolve();
    },
  },

  "client interrupted (SIGINT or SIGTERM)": {
    group: "client",
    happen: async ({ client, fired, random }) => {
      if (client.signal(random.pick(["SIGINT", "SIGTERM"]))) fired();
      await Promise.resolve();
    },
  },
};
