/** Defects that are put in on purpose, each of which the fuzz run has to find. @module */

import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** A defect: a text of one file of `lib/planning` and what stands there instead. */
export interface Breakage {
  readonly name: string;
  /** What the program then does wrong. */
  readonly what: string;
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** The defects. */
export const breakages: readonly Breakage[] = [
  {
    name: "nested-comments",
    what: "a comment block ends at the first */",
    file: "lexer.ts",
    from: "depth++;",
    to: "depth = 1;",
  },
  {
    name: "dollar-tags",
    what: "a dollar quote may begin with a digit",
    file: "lexer.ts",
    from: String.raw`/\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$/y`,
    to: String.raw`/\$[\w\u0080-\uffff]*\$/y`,
  },
  {
    name: "dollar-names",
    what: "a name ends before a dollar sign",
    file: "lexer.ts",
    from: String.raw`[\w$\u0080-\uffff]*/y`,
    to: String.raw`[\w\u0080-\uffff]*/y`,
  },
  {
    name: "atomic-end",
    what: "a BEGIN ATOMIC body ends at the first END",
    file: "lexer.ts",
    from: 'lower === "end" && (previous === ";" || previous === "atomic")',
    to: 'lower === "end"',
  },
  {
    name: "atomic-anywhere",
    what: "BEGIN ATOMIC opens a body in any statement",
    file: "lexer.ts",
    from: 'CREATES_ROUTINE.test(words.join(" "))',
    to: "words.length > 0",
  },
  {
    name: "escapes",
    what: "a backslash in an E string means nothing",
    file: "lexer.ts",
    from: "skipString(true)",
    to: "skipString(false)",
  },
  {
    name: "string-parts",
    what: "a comment between the parts of a string ends the string",
    file: "lexer.ts",
    from: "(part?.comments ?? whiteSpace).push([at, stop]);",
    to: "part = undefined;",
  },
  {
    name: "parentheses",
    what: "a banner inside parentheses counts",
    file: "lexer.ts",
    from: 'parentheses > 0 || bodies > 0 ? "nested"',
    to: 'bodies > 0 ? "nested"',
  },
  {
    name: "last-statement",
    what: "the last statement is dropped where it has no semicolon",
    file: "parser.ts",
    from: "return (raw ?? []).map(",
    to: "return (raw ?? []).filter((each) => each.stmt_len).map(",
  },
  {
    name: "bytes",
    what: "the parser's bytes are taken for characters",
    file: "parser.ts",
    from: "return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;",
    to: "return point < 0 ? 0 : 1;",
  },
  {
    name: "lines",
    what: "lines are not counted in what stands between statements",
    file: "statements.ts",
    from: "counted = start;",
    to: "counted = end;",
  },
  {
    name: "line-ends",
    what: "CR alone is no line end",
    file: "sections.ts",
    from: String.raw`/\r\n?/g`,
    to: String.raw`/\r\n/g`,
  },
  {
    name: "head",
    what: "what stands before the first banner is dropped unseen",
    file: "sections.ts",
    from: "forward !== head && holdsStatements(head.sql)",
    to: "forward !== head && head.sql === file",
  },
  {
    name: "checksum",
    what: "the checksum does not see blanks at the end",
    file: "checksum.ts",
    from: 'while (end > start && sql[end - 1] === "\\n") end--;',
    to: "while (end > start && /\\s/.test(sql[end - 1]!)) end--;",
  },
  {
    name: "order",
    what: "numbers are compared as text",
    file: "order.ts",
    from: "if (digits !== undefined) return [BigInt(digits)];",
    to: 'if (digits !== undefined) return [BigInt(digits.padEnd(60, "0"))];',
  },
  {
    name: "hang",
    what: "the lexer never gets past a lone dollar sign",
    file: "lexer.ts",
    from: "if (tag === undefined) {\n        at++;",
    to: "if (tag === undefined) {\n        at += 0;",
  },
];

const root = fileURLToPath(new URL("../../", import.meta.url));
const needed = ["cli.ts", "deno.json", "deno.lock", "docs", "lib", "links", "migrations", "mod.ts"];

/**
 * Puts a defect into a copy of the project.
 *
 * @param breakage The defect.
 * @param copy The folder of the copy.
 * @throws {Error} The code has changed, so that the defect has no place in it any more.
 */
export async function applyBreakage({ file, from, to }: Breakage, copy: string): Promise<void> {
  const path = join(copy, "lib/planning", file);
  const source = await Deno.readTextFile(path);
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold once: ${from}`);
  await Deno.writeTextFile(path, source.replace(from, () => to));
}

/**
 * Runs the fuzz run on a copy of the project that has a defect.
 *
 * @param breakage The defect.
 * @param seed The run's seed.
 * @param inputs How many inputs to try.
 * @returns The number of the input that found it, or null.
 */
export async function findBreakage(
  breakage: Breakage,
  seed: number,
  inputs: number,
): Promise<number | null> {
  const copy = await Deno.makeTempDir({ prefix: "fuzz-break-" });
  try {
    for (const name of [...needed, "sql", "tests"]) {
      await new Deno.Command("cp", { args: ["-R", join(root, name), copy] }).output();
    }
    await applyBreakage(breakage, copy);
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      cwd: copy,
      args: [
        ...["run", "--allow-all", "--no-check", "tests/fuzz/fuzz.ts"],
        ...["--seed", `${seed}`, "--inputs", `${inputs}`, "--server", "none"],
      ],
    }).output();
    const found = /^❌ Input (\d+) /m.exec(new TextDecoder().decode(stdout))?.[1];
    if (code !== 0 && found === undefined) throw new Error(new TextDecoder().decode(stderr));
    return found === undefined ? null : Number(found);
  } finally {
    await Deno.remove(copy, { recursive: true });
  }
}
