import assert from "node:assert/strict";
import { checkRuntime } from "../../lib/output/runtime.ts";

Deno.test("checkRuntime() refuses what is too old for the sources, and for the package", () => {
  const node = "24.0.0"; // what Deno says that it equals
  for (const deno of ["1.46.3", "2.1.4", "2.7.14"]) {
    assert.throws(() => checkRuntime({ deno, node }, true), {
      message: `This is Deno ${deno}, and 2.8 is the least that serves`,
    });
  }
  assert.throws(() => checkRuntime({ deno: "2.0.6", node }, false), /2\.1 is the least/);
  assert.throws(() => checkRuntime({ node: "22.12.0" }, false), /Node\.js 22\.12\.0, and 22\.13/);
  checkRuntime({ deno: "2.8.0", node }, true);
  checkRuntime({ deno: "2.10.0", node }, true);
  checkRuntime({ deno: "3.0.0", node }, true);
  checkRuntime({ deno: "2.1.4", node: "20.11.1" }, false);
  checkRuntime({ node: "22.13.0" }, false);
});
