/** Puts built statements together to files with sections. @module */

import type { Random } from "../support/random.ts";
import { buildUnit, type BuiltStatement, trivia } from "./grammar.ts";
import type { Input } from "./inputs.ts";

/** What is known of a part of a built file. */
export interface ExpectedSection {
  /** Its text. */
  readonly sql: string;
  /** The line that it starts on. */
  readonly line: number;
  /** Its statements and their lines. */
  readonly statements: readonly { readonly line: number; readonly sql: string }[];
  /** What running it stores in the table `w`. */
  readonly values: readonly string[];
  /** It can be run as a whole inside a transaction. */
  readonly runs: boolean;
}

/** What is known of a built file. */
export interface Expected {
  readonly forward: ExpectedSection;
  readonly rollback: ExpectedSection | null;
}

/** What stands around the statements of a file. */
interface Layout {
  readonly lineEnd: "\n" | "\r\n" | "\r";
  readonly mark: "" | "\uFEFF";
  /** Comments before the first banner or statement. */
  readonly head: string;
  /** The banners with their rules and line ends, or nothing. */
  readonly forwardBanner: string;
  readonly rollbackBanner: string;
  readonly rollbackFirst: boolean;
  /** BEGIN and COMMIT stand around the forward statements. */
  readonly inTransaction: boolean;
  /** The last statement of the file has a semicolon. */
  readonly lastSemicolon: boolean;
  /** What stands behind the last semicolon of each section. */
  readonly tail: string;
}

type Units = readonly (readonly BuiltStatement[])[];

const plain: Layout = {
  lineEnd: "\n",
  mark: "",
  head: "",
  forwardBanner: "",
  rollbackBanner: "-- ROLLBACK\n",
  rollbackFirst: false,
  inTransaction: false,
  lastSemicolon: true,
  tail: "",
};

/** Builds a valid file. */
export function buildFile(random: Random): Input {
  const several = (from: number, least: number): Units =>
    Array.from({ length: least + random.below(4) }, (_, index) => buildUnit(random, from + index));
  const forward = several(1, 1);
  const rollback = random.below(2) === 0 ? several(101, 1) : [];
  const forwardBanner = random.below(2) === 0 ? banner(random, "forward migration") : "";
  return assemble(forward, rollback, {
    lineEnd: random.pick(["\n", "\n", "\n", "\r\n", "\r"]),
    mark: random.pick(["", "", "\uFEFF"]),
    head: trivia(random, 0, false),
    forwardBanner,
    rollbackBanner: rollback.length > 0 || random.below(4) === 0 ? banner(random, "rollback") : "",
    rollbackFirst: forwardBanner !== "" && random.below(4) === 0,
    inTransaction: random.below(12) === 0,
    lastSemicolon: random.below(4) > 0,
    tail: trivia(random, 0, false),
  });
}

function banner(random: Random, title: string): string {
  const rule = random.pick(["", "", "-- ====\n", "--\t****\n", "--########\n"]);
  const words = random.pick([title, title.toUpperCase()]);
  // "-- Rollback:" above a comment that looks like SQL may be a note, and is refused.
  const colon = title === "rollback" ? "" : ":";
  return random.pick(["", " ", "\t\f"]) + rule +
    random.pick([
      `-- ${words}`,
      `--${words}${colon}`,
      `--- ${words} ---  `,
      `-- === ${words} ===`,
    ]) +
    `\n${rule}`;
}

/** Where the text stands while it is put together. */
interface Draft {
  text: string;
}

function assemble(forward: Units, rollback: Units, layout: Layout): Input {
  const draft: Draft = { text: layout.head };
  const wrapped = layout.inTransaction ? [[begin], ...forward, [commit]] : forward;
  const putForward = (last: boolean) => {
    putBanner(draft, layout.forwardBanner);
    return putSection(draft, wrapped, layout, last);
  };
  const putRollback = (last: boolean) => {
    putBanner(draft, layout.rollbackBanner);
    return putSection(draft, rollback, layout, last);
  };

  let expectedForward: ExpectedSection;
  let expectedRollback: ExpectedSection | null = null;
  if (layout.rollbackFirst && layout.rollbackBanner !== "") {
    expectedRollback = putRollback(false);
    expectedForward = putForward(true);
  } else {
    expectedForward = putForward(layout.rollbackBanner === "");
    if (layout.rollbackBanner !== "") expectedRollback = putRollback(true);
  }
  // Without a forward banner what stands before the rest is part of the forward section.
  if (layout.forwardBanner === "") {
    expectedForward = { ...expectedForward, sql: layout.head + expectedForward.sql, line: 1 };
  }
  return {
    kind: "text",
    text: layout.mark + draft.text.replaceAll("\n", layout.lineEnd),
    expected: {
      forward: expectedForward,
      rollback: rollback.length === 0 ? null : expectedRollback,
    },
    smaller: () => smaller(forward, rollback, layout),
  };
}

const begin: BuiltStatement = { gap: "\n", sql: "begin", values: [] };
const commit: BuiltStatement = { gap: "\n", sql: "COMMIT", values: [] };

function putBanner(draft: Draft, banner: string): void {
  if (banner === "") return;
  if (draft.text !== "" && !draft.text.endsWith("\n")) draft.text += "\n";
  draft.text += banner;
}

function putSection(
  draft: Draft,
  units: Units,
  layout: Layout,
  last: boolean,
): ExpectedSection {
  const from = draft.text.length;
  const line = lineAfter(draft.text);
  const all = units.flat();
  const statements: { line: number; sql: string }[] = [];
  all.forEach((statement, index) => {
    draft.text += statement.gap;
    const open = last && index === all.length - 1 && !layout.lastSemicolon;
    if (statement !== begin && statement !== commit) {
      statements.push({ line: lineAfter(draft.text), sql: trimEnd(statement.sql) });
    }
    draft.text += open ? statement.sql : `${statement.sql};`;
  });
  if (!last || layout.lastSemicolon || all.length === 0) draft.text += layout.tail;
  if (!last && !draft.text.endsWith("\n")) draft.text += "\n";
  return {
    sql: draft.text.slice(from),
    line,
    statements,
    values: all.flatMap(({ values }) => values),
    runs: all[0] !== begin,
  };
}

function* smaller(forward: Units, rollback: Units, layout: Layout): Iterable<Input> {
  for (const index of forward.keys()) {
    if (forward.length > 1) yield assemble(forward.toSpliced(index, 1), rollback, layout);
  }
  for (const index of rollback.keys()) {
    if (rollback.length > 1) yield assemble(forward, rollback.toSpliced(index, 1), layout);
  }
  if (rollback.length > 0) {
    yield assemble(forward, [], { ...layout, rollbackBanner: "", rollbackFirst: false });
  }
  for (const key of Object.keys(plain) as (keyof Layout)[]) {
    if (layout[key] !== plain[key] && (key !== "rollbackBanner" || layout[key] !== "")) {
      yield assemble(forward, rollback, { ...layout, [key]: plain[key] });
    }
  }
  const bare = (units: Units) =>
    units.map((unit) => unit.map((statement) => ({ ...statement, gap: "\n" })));
  const gaps = (units: Units) => units.flat().some(({ gap }) => gap !== "\n");
  if (gaps(forward)) yield assemble(bare(forward), rollback, layout);
  if (gaps(rollback)) yield assemble(forward, bare(rollback), layout);
}

function lineAfter(text: string): number {
  return text.split("\n").length;
}

function trimEnd(sql: string): string {
  let end = sql.length;
  while (end > 0 && " \t\n\r\f\v".includes(sql[end - 1]!)) end--;
  return sql.slice(0, end);
}
