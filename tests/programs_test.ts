import assert from "node:assert/strict";
import { findMissing } from "./support/programs.ts";

/** Runs one of the tests that need spin and gcc, where neither is to be found. */
async function runWithoutPrograms(environment: Record<string, string>) {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["test", "--allow-all", "--no-check", "--no-lock"],
      ...["--filter", "nothing is found, and every step is taken", "tests/model/model_test.ts"],
    ],
    cwd: new URL("../", import.meta.url),
    env: { CI: "", NO_COLOR: "1", ...environment, PATH: "/nowhere" },
  }).output();
  return { code, output: new TextDecoder().decode(stdout) };
}

Deno.test("a test that needs a missing program is left out, and says so", async () => {
  const { code, output } = await runWithoutPrograms({});
  assert.equal(code, 0, output);
  assert.match(output, /\(left out: spin and gcc not installed\) \.\.\. ignored/);
});

Deno.test("where CI is set, it fails with what to install", async () => {
  const { code, output } = await runWithoutPrograms({ CI: "true" });
  assert.equal(code, 1, output);
  assert.match(
    output,
    /Not installed: spin, gcc\. On Debian and Ubuntu: apt-get install spin gcc/,
  );
});

Deno.test("no test needs what .ci/install does not install", async () => {
  await assert.rejects(findMissing(["a-program-that-is-not-listed"]), {
    message: 'Not in .ci/packages: "a-program-that-is-not-listed"',
  });
});
