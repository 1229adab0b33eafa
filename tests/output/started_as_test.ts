/** Hints name commands as the tool was started. */

import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { findTasks, nameCommands, nameCommandsAs } from "../../lib/output/started_as.ts";

const none = { isDeno: true, script: "/tool/cli.ts", environment: {}, tasks: {} };
const hint = 'Run "supamigrate migrate"; supamigrate repair 001_a.sql --mark applied mends it.';

const starts: readonly [string, Parameters<typeof nameCommandsAs>[0], string, string][] = [
  [
    "the tasks of this repository",
    { ...none, tasks: manifest.tasks },
    "deno task migrate",
    "deno task migrate:repair",
  ],
  [
    "one task for every command",
    { ...none, tasks: { db: "deno run -A npm:supamigrate@0.1.0", build: "vite build" } },
    "deno task db migrate",
    "deno task db repair",
  ],
  [
    "a task for some commands",
    { ...none, tasks: { up: "deno run -A npm:supamigrate migrate" }, script: "/x/npm/s/cli.js" },
    "deno task up",
    "deno run -A npm:supamigrate repair",
  ],
  [
    "tasks of other tools",
    { ...none, tasks: { migrate: "dbmate migrate" } },
    "deno run -A /tool/cli.ts migrate",
    "deno run -A /tool/cli.ts repair",
  ],
  [
    "npx, and npm's scripts",
    { ...none, isDeno: false, environment: { npm_config_user_agent: "npm/10.9.0 node/v22" } },
    "npx supamigrate migrate",
    "npx supamigrate repair",
  ],
  [
    "pnpm",
    { ...none, isDeno: false, environment: { npm_config_user_agent: "pnpm/10.1.0 npm/?" } },
    "pnpm exec supamigrate migrate",
    "pnpm exec supamigrate repair",
  ],
  [
    "an installed program",
    { ...none, isDeno: false, script: "/usr/local/bin/supamigrate" },
    "supamigrate migrate",
    "supamigrate repair",
  ],
];

for (const [what, facts, migrate, repair] of starts) {
  Deno.test(`hints name commands as they are started by ${what}`, () => {
    assert.equal(
      nameCommands(hint, nameCommandsAs(facts)),
      `Run "${migrate}"; ${repair} 001_a.sql --mark applied mends it.`,
    );
  });
}

Deno.test("the tool's name is left alone where no command follows, or a path precedes", () => {
  const text = "schema supamigrate is kept; npx supamigrate status; lib/supamigrate status";
  assert.equal(nameCommands(text, () => "X"), text);
});

Deno.test("tasks are those of the nearest deno.json, comments and all, or none", async () => {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${folder}/a/b`, { recursive: true });
    await Deno.writeTextFile(
      `${folder}/deno.jsonc`,
      `{ // tasks\n "tasks": { "up": "echo // no comment", "down": { "command": "x" }, }, /* , */ }`,
    );
    assert.deepEqual(await findTasks(`${folder}/a/b`), { up: "echo // no comment", down: "x" });
    await Deno.writeTextFile(`${folder}/a/deno.json`, "broken");
    assert.deepEqual(await findTasks(`${folder}/a/b`), {});
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
