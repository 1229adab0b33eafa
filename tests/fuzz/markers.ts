/** A banner is one between statements, and none inside anything. @module */

import type { Random } from "../support/random.ts";
import { type Checks, type Outcome, takeText } from "./outcome.ts";
import { scan, type Token } from "./scanner.ts";

const banner = "\n-- ROLLBACK\n";

/**
 * Puts a banner into a file that is accepted and has none: once inside a string, a body, a name or
 * a comment, and once behind a statement.
 *
 * @param outcome What came of the file.
 * @param random The choices.
 * @param checks Counts, and throws where something does not hold.
 */
export async function checkMarkers(
  outcome: Outcome,
  random: Random,
  checks: Checks,
): Promise<void> {
  const { text, sections: [forward] } = outcome;
  if (forward!.section.sql !== text || text.startsWith("\uFEFF")) return;
  const { statements, notices, spans } = forward!;
  // BEGIN and COMMIT cannot be parted; UESCAPE makes of any character something else.
  if (statements.length === 0 || notices.length > 0 || /uescape/i.test(text)) return;

  const places = placesInside(text);
  if (places.length > 0) {
    const inside = random.pick(places);
    const marked = text.slice(0, inside) + banner + text.slice(inside);
    const after = await takeText(marked, checks);
    const part = after.sections[0];
    const property = "a banner inside a string, a name, a body or a comment is none";
    const refusal = after.refusal ?? part?.refusal;
    checks.holds(property, !refusal, () => `${refusal}: ${marked}`);
    checks.equal(
      property,
      [part!.section.sql, after.sections.length, part!.statements.length],
      [marked, 1, statements.length],
    );
  }

  const index = random.below(statements.length);
  const semicolon = text.indexOf(";", spans[index]!.end);
  if (semicolon === -1 || text.slice(spans[index]!.end, semicolon).trim() !== "") return;
  const end = semicolon + 1;
  // A comment behind the semicolon would become a line of its own, which means more.
  if (/^[ \t\f\v]*--/.test(text.slice(end))) return;
  const marked = text.slice(0, end) + banner + text.slice(end);
  const after = await takeText(marked, checks);
  const property = "a banner between statements is one";
  checks.holds(property, after.refusal === null, () => `${after.refusal}: ${marked}`);
  const [up, down] = after.sections;
  checks.equal(property, up!.section.sql, `${text.slice(0, end)}\n`);
  checks.equal(property, up!.statements, statements.slice(0, index + 1));
  checks.equal(
    property,
    down?.statements ?? [],
    statements.slice(index + 1).map((statement) => ({ ...statement, line: statement.line + 2 })),
  );
}

/** Right behind the beginnings and right before the ends of what can hold a line of text. */
function placesInside(text: string): number[] {
  return (scan(text) ?? []).flatMap(({ kind, start, end }: Token) => {
    const token = text.slice(start, end);
    switch (kind) {
      case "string":
        // Digits alone can stand in these.
        return /^[bx]/i.test(token) ? [] : [start + token.indexOf("'") + 1, end - 1];
      case "quoted name":
        return [start + token.indexOf('"') + 1, end - 1];
      case "dollar string": {
        const tag = token.indexOf("$", 1) + 1;
        return [start + tag, end - tag];
      }
      case "block comment":
        return [start + 2, end - 2];
      default:
        return [];
    }
  });
}
