/**
 * Runs the tests on the packages of JSR instead of the stand-ins in links/: with
 * SUPAMIGRATE_TEST_CONFIG as the config file, or with deno.json without its links.
 */

import { fileURLToPath } from "node:url";
import manifest from "../../deno.json" with { type: "json" };

const root = new URL("../../", import.meta.url);
let config = Deno.env.get("SUPAMIGRATE_TEST_CONFIG");
if (config === undefined) {
  const { links: _, ...rest } = manifest;
  config = fileURLToPath(new URL("deno.jsr.json", root));
  await Deno.writeTextFile(config, JSON.stringify({ ...rest, lock: false }, null, 2));
}
const { code } = await new Deno.Command(Deno.execPath(), {
  // The packages' own sources are not written for this project's strict flags.
  args: [
    "test",
    "--allow-all",
    "--no-check",
    "--no-lock",
    "--config",
    config,
    "tests",
    ...Deno.args,
  ],
  cwd: fileURLToPath(root),
  env: { SUPAMIGRATE_TEST_CONFIG: config },
}).spawn().status;
Deno.exit(code);
