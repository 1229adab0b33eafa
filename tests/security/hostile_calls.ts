/** A short run of what `deno task fuzz:sql` does for as long as wanted. */

import assert from "node:assert/strict";
import { testOnEveryDatabase } from "../support/projects.ts";
import { fuzzCalls, fuzzedProject } from "./fuzz/run.ts";

testOnEveryDatabase(
  "hostile input is stored as it is, or refused, and never run",
  async (project) => {
    const figures = await fuzzCalls(project, 20_250_726, 150);
    const applied = [...figures].filter(([kind]) => kind.startsWith("perform: apply"));
    assert.ok(applied.length > 0, JSON.stringify([...figures]));
  },
  fuzzedProject,
);
