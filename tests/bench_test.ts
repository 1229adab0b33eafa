import assert from "node:assert/strict";
import { bench } from "../bench/bench.ts";
import { CONTENDERS } from "../bench/contenders.ts";

Deno.test("the bench measures every tool in one run, and prints what it finds", async () => {
  const lines: string[] = [];
  await bench({ migrations: [10], rounds: 1, links: [0], major: 17 }, (line) => {
    lines.push(line);
    // deno-lint-ignore no-console -- the figures of this machine, for whoever reads the log
    console.log(line);
  });
  for (const { name, hasHistory } of CONTENDERS) {
    const row = lines.find((line) => line.startsWith(`| ${name} |`));
    assert.equal(row?.match(/\d\.\d\d s \(/g)?.length, hasHistory ? 3 : 1, `${name}: ${row}`);
  }
});
