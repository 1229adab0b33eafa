import assert from "node:assert/strict";
import { startPostgres } from "../support/postgres.ts";
import { applyBreakage, breakages } from "./breakages.ts";
import { checkInput } from "./check.ts";
import { generatorNames, generatorOf, makeInput } from "./inputs.ts";
import { Checks } from "./outcome.ts";
import { pastFailures } from "./past_failures.ts";
import { emptyTally, tryInputs } from "./run.ts";
import { scan } from "./scanner.ts";
import { ServerView } from "./server.ts";
import { shrink } from "./shrink.ts";

async function withFolder(test: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "fuzz-" });
  try {
    await test(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The numbers of the first inputs. */
function first(count: number): Iterable<number> {
  return Array(count).keys();
}

for (const [what, text] of Object.entries(pastFailures)) {
  Deno.test(`it is mended that ${what}`, async () => {
    await withFolder(async (folder) => {
      await checkInput({ kind: "text", text }, new Checks(), { folder, server: null });
    });
  });
}

Deno.test("whatever a file holds, the parser's properties hold", async () => {
  await withFolder(async (folder) => {
    const tally = emptyTally();
    assert.equal(await tryInputs(20250726, first(1500), { folder, server: null }, tally), null);
    for (const [name, { inputs, accepted }] of Object.entries(tally.generators)) {
      assert(inputs >= 60 && accepted > 0, `${name}: ${inputs} inputs, ${accepted} accepted`);
    }
  });
});

for (const major of [15, 17] as const) {
  Deno.test(`PostgreSQL ${major} sees each file as the parser does`, async () => {
    const postgres = await startPostgres({ major });
    try {
      const port = Number(new URL(postgres.url("a", "a")).port);
      using server = await ServerView.open(port, "fuzz");
      await withFolder(async (folder) => {
        for (const text of Object.values(pastFailures)) {
          await checkInput({ kind: "text", text }, new Checks(), { folder, server });
        }
        const tally = emptyTally();
        assert.equal(await tryInputs(major, first(250), { folder, server }, tally), null);
        const { grammar, tokens, mutations } = tally.generators;
        for (const { seenByServer } of [grammar, tokens, mutations]) assert(seenByServer > 10);
        assert(server.filesRun > 50);
      });
    } finally {
      await postgres.process.release();
    }
  });
}

Deno.test("an input is the same whenever it is made, and another one with another seed", () => {
  const texts = (seed: number) =>
    [...first(100)].map((number) => JSON.stringify(makeInput(seed, number)));
  assert.deepEqual(texts(7), texts(7));
  assert.notDeepEqual(texts(7), texts(8));
  assert.deepEqual(
    new Set([...first(50)].map(generatorOf)),
    new Set(generatorNames),
    "a round holds all generators",
  );
});

Deno.test("an input that fails is made small", async () => {
  await withFolder(async (folder) => {
    const laboratory = { folder, server: null };
    const text = "select 1;\n-- a\nselect 'b';\n".repeat(20);
    const expected = {
      forward: { sql: "", line: 1, statements: [], values: [], runs: false },
      rollback: null,
    };
    const input = { kind: "text", text, expected } as const;
    const property = "a built file comes apart as it was put together";
    await assert.rejects(checkInput(input, new Checks(), laboratory), { property });
    // What is known of it holds for the whole text alone.
    assert.equal(await shrink(input, property, laboratory), input);

    const names = ["1_a.sql", "2_b.sql", "2_b.sql", "3_c.sql"];
    const doubled = "each file is found or left out, once";
    const small = await shrink({ kind: "names", names }, doubled, laboratory);
    assert.deepEqual(small, { kind: "names", names: ["2_b.sql", "2_b.sql"] });
  });
});

Deno.test("the scanner that the parser is held against knows PostgreSQL's tokens", () => {
  const kinds = (text: string) =>
    scan(text)?.filter(({ kind }) => kind !== "space")
      .map(({ kind, start, end }) => `${kind} ${text.slice(start, end)}`);
  assert.deepEqual(kinds("a$$ e'\\'' $$b$c$$ $1 1.5e3 U&\"d\" -- x\n/*/**/*/;"), [
    "word a$$",
    "string e'\\''",
    "dollar string $$b$c$$",
    "parameter $1",
    "number 1.5e3",
    'quoted name U&"d"',
    "line comment -- x",
    "block comment /*/**/*/",
    "symbol ;",
  ]);
  assert.deepEqual(kinds("E'a' -- b\n'\\''"), ["string E'a'", "line comment -- b", "string '\\''"]);
  for (const open of ["'", "$$", "/*", '"', '""', "1a", "$1a", "E'\\'", "/* /* */"]) {
    assert.equal(scan(open), null, open);
  }
});

Deno.test("every defect that the fuzz run has to find still has its place in the code", async () => {
  const planning = new URL("../../lib/planning/", import.meta.url);
  for (const breakage of breakages) {
    await withFolder(async (folder) => {
      await Deno.mkdir(`${folder}/lib/planning`, { recursive: true });
      await Deno.copyFile(
        new URL(breakage.file, planning),
        `${folder}/lib/planning/${breakage.file}`,
      );
      await applyBreakage(breakage, folder);
    });
  }
});
