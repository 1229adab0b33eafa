/** What has to hold for every input, valid or not. @module */

import { MigrationFileError } from "../../lib/errors.ts";
import { checksumForward } from "../../lib/planning/checksum.ts";
import { holdsStatements, scanComments } from "../../lib/planning/lexer.ts";
import { splitSections } from "../../lib/planning/sections.ts";
import { Random } from "../support/random.ts";
import type { Expected, ExpectedSection } from "./files.ts";
import { checkMarkers } from "./markers.ts";
import {
  type Checks,
  fileName,
  type Outcome,
  type Span,
  split,
  type SplitSection,
  takeFile,
} from "./outcome.ts";
import { scan, type Token } from "./scanner.ts";

/**
 * Looks at everything that can be known of a file's text.
 *
 * @param text The text.
 * @param expected What was built into it, where it was built.
 * @param checks Counts, and throws where something does not hold.
 * @param folder The folder that holds the file, where it is read from one.
 * @returns What came of the file.
 */
export async function checkText(
  text: string,
  expected: Expected | undefined,
  checks: Checks,
  folder?: string,
): Promise<Outcome> {
  const outcome = await takeFile(folder ?? { [fileName]: text }, text, checks);
  checkLexer(outcome.text, checks);
  if (expected !== undefined) checkExpected(outcome, expected, checks);
  if (outcome.migration === null) return outcome;

  checkSections(outcome, checks);
  const random = new Random(text.length * 31 + (text.codePointAt(text.length >> 1) ?? 0));
  // The checksums take longer than all the rest.
  if (random.below(4) === 0) await checkChecksum(outcome, random, checks);
  for (const part of outcome.sections) {
    if (part.refusal !== null || junkBehindParameter.test(part.section.sql)) continue;
    part.spans = checkStatements(part, checks);
    checkPlaces(part, checks);
    await checkOnceMore(part, checks);
    if (part === outcome.sections[0]) await checkMarkers(outcome, random, checks);
  }
  return outcome;
}

/** The parser takes "$1a" for a parameter and a word, where PostgreSQL's scanner gives up. */
const junkBehindParameter = /\$\d+[A-Za-z_\u0080-\uffff]/;

/** Whether a token is nothing to execute. */
export function isTrivia(text: string, { kind, start }: Token): boolean {
  return kind === "space" || kind === "line comment" || kind === "block comment" ||
    (kind === "symbol" && text[start] === ";");
}

/** What was put in comes out. */
function checkExpected({ refusal, sections }: Outcome, expected: Expected, checks: Checks): void {
  const property = "a built file comes apart as it was put together";
  const found = refusal ?? sections.find(({ refusal }) => refusal !== null)?.refusal ?? null;
  checks.holds(property, found === null, () => `${found} ${JSON.stringify(found)}`);
  const show = (section: ExpectedSection | null) =>
    section && { line: section.line, sql: section.sql, statements: section.statements };
  const [forward, rollback] = sections.map(({ section: { line, sql }, statements }) => ({
    line,
    sql,
    statements: statements.map(({ line, sql }) => ({ line, sql })),
  }));
  checks.equal(property, forward, show(expected.forward));
  checks.equal(property, rollback ?? null, show(expected.rollback));
}

/** What the sections leave out are comments. */
function checkSections({ text, sections }: Outcome, checks: Checks): void {
  const property = "the sections leave nothing out but comments";
  const starts = [0];
  for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) starts.push(at + 1);
  const spans = sections.map(({ section: { sql, line } }) => {
    // A section that begins where the file ends begins behind its last line.
    const start = sql === "" ? text.length : starts[line - 1] ?? -1;
    checks.holds(property, text.startsWith(sql, start), () => `line ${line}: ${sql}`);
    return { start, end: start + sql.length };
  }).sort((a, b) => a.start - b.start);
  let at = 0;
  for (const { start, end } of [...spans, { start: text.length, end: text.length }]) {
    const between = text.slice(at, start);
    const tokens = scan(between);
    checks.holds(
      property,
      start >= at && tokens !== null && tokens.every((token) => isTrivia(between, token)),
      () => `${JSON.stringify(between)} is lost`,
    );
    at = end;
  }
  const [{ section: { sql } }] = sections as [SplitSection];
  let again: ReturnType<typeof splitSections>;
  try {
    again = splitSections(`\n${sql}`, fileName);
  } catch (error) {
    // Without the file's own banner a comment may look like one.
    if (sections.length > 1 && error instanceof MigrationFileError) return;
    throw error;
  }
  const { forward, rollback } = again;
  checks.equal("a section that is split again is itself", [forward.sql, rollback], [
    `\n${sql}`,
    null,
  ]);
}

/** What a migration has anyway. */
const LEFT_OUT =
  /^(?:begin|start|commit|end|(?:re)?set\b(?=[^;]*\b(?:role|authorization|transaction))|select\b(?=[^;]*\bset_config))\b[^;]*/i;

/** Behind one another the statements are the section, but for semicolons and what is no SQL. */
function checkStatements({ section, statements, notices }: SplitSection, checks: Checks): Span[] {
  const property = "the statements leave nothing out but comments and semicolons";
  const { sql } = section;
  const tokens = scan(sql);
  if (tokens === null) throw checks.holds(property, false, () => "the scanner refuses the SQL");
  const meaning = tokens.filter((token) => !isTrivia(sql, token));
  const spans: Span[] = [];
  let next = 0; // the statement that is looked for
  let end = 0; // the end of the one before
  let line = section.line;
  let counted = 0;
  for (const { start } of meaning) {
    if (start < end) continue;
    for (; counted < start; counted++) if (sql[counted] === "\n") line++;
    const statement = statements[next];
    if (
      statement !== undefined && sql.startsWith(statement.sql, start) && line === statement.line
    ) {
      end = start + statement.sql.length;
      next++;
    } else {
      const dropped = LEFT_OUT.exec(sql.slice(start))?.[0];
      checks.holds(
        property,
        notices.length > 0 && dropped !== undefined,
        () => `line ${line}: ${sql.slice(start, start + 100)}`,
      );
      end = start + dropped!.length;
    }
    spans.push({ start, end });
    const behind = meaning.find((token) => token.start >= end);
    checks.holds(
      property,
      behind === undefined || sql.slice(end, behind.start).includes(";"),
      () => `no semicolon at ${sql.slice(end, end + 100)}`,
    );
  }
  checks.equal(property, next, statements.length);
  return spans;
}

/** The lexer's view of a text that PostgreSQL's scanner gets through. */
function checkLexer(text: string, checks: Checks): void {
  const { comments, statements } = scanComments(text);
  let last = 0;
  for (const { text: comment, start, end } of comments) {
    checks.holds(
      "the lexer's comments are lines of the text",
      start >= last && end > start && comment.startsWith("--") &&
        (start === 0 || text[start - 1] === "\n") &&
        (end === text.length || text[end - 1] === "\n") &&
        text.slice(start, end).trim() === comment,
      () => JSON.stringify({ comment, start, end }),
    );
    last = end;
  }
  const tokens = scan(text);
  if (tokens === null) return;
  checks.equal(
    "the lexer sees what there is to execute",
    holdsStatements(text),
    tokens.some((token) => !isTrivia(text, token)),
  );
  const seen = readTokens(text, tokens);
  const known = <Item>(items: readonly Item[], at: (item: Item) => number) =>
    items.filter((item) => at(item) < seen.until);
  const property = "the lexer agrees with PostgreSQL's scanner";
  checks.equal(property, known(statements, (start) => start), seen.statements);
  checks.equal(
    property,
    known(comments, ({ start }) => start).map(({ start, place }) => [start, place]),
    seen.comments,
  );
}

/** What the tokens say; where a body in standard SQL may begin the grammar has to say more. */
function readTokens(text: string, tokens: readonly Token[]) {
  const statements: number[] = [];
  const comments: [start: number, place: string][] = [];
  let depth = 0;
  let open = false;
  let before = "";
  for (const { kind, start, end } of tokens) {
    const token = text.slice(start, end);
    if (kind === "line comment") {
      const line = text.lastIndexOf("\n", start) + 1;
      if (/^[ \t\f\v]*$/.test(text.slice(line, start))) {
        comments.push([line, depth > 0 ? "nested" : open ? "statement" : "between"]);
      }
    } else if (token === ";" && depth === 0) {
      open = false;
    } else if (!isTrivia(text, { kind, start, end })) {
      if (kind === "word" && /^atomic$/i.test(token) && before === "begin") {
        return { statements, comments, until: start };
      }
      if (!open) statements.push(start);
      open = true;
      if (token === "(") depth++;
      if (token === ")") depth = Math.max(0, depth - 1);
    }
    if (kind !== "space" && !kind.endsWith("comment")) before = token.toLowerCase();
  }
  return { statements, comments, until: Infinity };
}

/** The lexer's view of a section against PostgreSQL's parser. */
function checkPlaces({ section: { sql }, spans }: SplitSection, checks: Checks): void {
  const property = "the lexer agrees with PostgreSQL's parser";
  const { comments, statements } = scanComments(sql);
  checks.equal(property, statements, spans.map(({ start }) => start));
  for (const { start, place, text } of comments) {
    // The last statement takes the comments along where its semicolon is missing.
    const inside = spans.some((span) => span.start < start && start < span.end);
    checks.holds(
      property,
      (place === "between") === !inside,
      () => `"${text}" is seen as ${place} at ${start}`,
    );
  }
}

/** A statement that is split again is itself. */
async function checkOnceMore({ statements }: SplitSection, checks: Checks): Promise<void> {
  for (const index of new Set([0, statements.length >> 1, statements.length - 1])) {
    const statement = statements[index];
    if (statement === undefined) continue;
    const again = await split(statement, "\n".repeat(statement.line) + statement.sql, checks);
    checks.equal("a statement that is split again is itself", again.statements, [statement]);
  }
}

/** What does not count does not change the checksum, and everything else does. */
async function checkChecksum(outcome: Outcome, random: Random, checks: Checks): Promise<void> {
  const { text, migration } = outcome;
  const { forward, rollback, checksum } = migration!;
  const load = async (text: string) => {
    const { migration } = await takeFile({ [fileName]: text }, text, checks);
    return migration && [migration.checksum, migration.rollback?.checksum];
  };
  if (!text.startsWith("\uFEFF")) {
    const lineEnd = random.pick(["\r\n", "\r"]);
    checks.equal(
      "line ends and a byte-order mark leave the checksum as it is",
      await load(random.pick(["", "\uFEFF"]) + text.replaceAll("\n", lineEnd)),
      [checksum, rollback?.checksum],
    );
  }
  checks.equal(
    "blank lines around the forward part leave the checksum as it is",
    checksumForward(`\n${forward.sql}\n\n`),
    checksum,
  );
  const at = random.below(forward.sql.length + 1);
  const more = random.pick(["x", " ", "\t", ";"]);
  const changed = `${forward.sql.slice(0, at)}${more}${forward.sql.slice(at)}`;
  checks.holds(
    "any other change changes the checksum",
    checksumForward(changed) !== checksum,
    () => changed,
  );
}
