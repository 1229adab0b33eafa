/**
 * What PostgreSQL itself says of a file. Nothing is taken from the product's parser: a server is
 * sent texts to parse, and built files to run.
 *
 * To parse means to parse: the server takes a text apart before it looks at any name in it, and
 * refuses it where it finds more than one statement. So a text is valid, whatever tables it
 * speaks of, where it is refused for that reason alone once two statements are put behind it.
 *
 * @module
 */

import type { Expected, ExpectedSection } from "./files.ts";
import { environment } from "./grammar.ts";
import type { Checks, Outcome, SplitSection } from "./outcome.ts";
import { type Answer, type Question, Wire } from "./wire.ts";

const severalStatements = "cannot insert multiple commands into a prepared statement";

/**
 * What the product's parser may take for SQL and a server refuses; a migration with it is accepted
 * and fails when it is applied. The parser also reads texts in which constants were replaced by
 * "$1", and it is newer: PostgreSQL 16 brought `0xff`, `1_000` and the vertical tab as a blank.
 */
const onlyForTheParser = {
  everywhere: /\$\d/,
  before16: /\$\d|\v|0[xob]|\d_/i,
};

const parse = (sql: string): Question => ({ kind: "parse", sql });
const run = (sql: string): Question => ({ kind: "run", sql });

/** A server, and a database of its own. */
export class ServerView implements Disposable {
  readonly #wire: Wire;
  readonly #tolerated: RegExp;
  /** How many built files were run. */
  filesRun = 0;

  private constructor(wire: Wire, version: number) {
    this.#wire = wire;
    this.#tolerated = version < 160000 ? onlyForTheParser.before16 : onlyForTheParser.everywhere;
  }

  /**
   * Makes a database for built files to run in.
   *
   * @param port The server's port on this machine.
   * @param database A name that no other database there has.
   */
  static async open(port: number, database: string): Promise<ServerView> {
    const user = "supabase_admin";
    {
      using wire = await Wire.open(port, user, "postgres");
      succeed(await wire.ask([run(`create database ${database} template template0`)]));
    }
    const wire = await Wire.open(port, user, database);
    const answers = await wire.ask([
      run(environment),
      run("set client_min_messages = error"),
      run("show server_version_num"),
    ]);
    succeed(answers);
    return new ServerView(wire, Number(answers.at(-1)!.values[0]));
  }

  [Symbol.dispose](): void {
    this.#wire[Symbol.dispose]();
  }

  /**
   * Holds what came of a file against what the server says.
   *
   * @returns Whether there was anything to ask.
   */
  async check(outcome: Outcome, expected: Expected | undefined, checks: Checks): Promise<boolean> {
    for (const part of outcome.sections) {
      if (part.refusal === null) await this.#checkStatements(part, checks);
      else await this.#checkRefusal(part, checks);
    }
    if (expected?.forward.runs) await this.#runStatements(expected.forward, outcome, 0, checks);
    if (expected?.rollback) await this.#runStatements(expected.rollback, outcome, 1, checks);
    return outcome.sections.some(({ section }) => section.sql !== "");
  }

  /** Each piece is one statement, and between the pieces there is none. */
  async #checkStatements(part: SplitSection, checks: Checks): Promise<void> {
    const { section: { sql }, statements, notices, spans } = part;
    const gaps = [...spans, { start: sql.length, end: sql.length }]
      .map(({ start }, index) => sql.slice(spans[index - 1]?.end ?? 0, start)).join("");
    const cut = spans[spans.length >> 1]?.start ?? sql.length;
    const prefix = sql.slice(0, cut);
    const [whole, between, broken, ...pieces] = await this.#wire.ask([
      parse(`${sql}\n;select 1\n;select 2`),
      parse(`${gaps}\nselect 1`),
      parse(`${prefix}*`),
      ...statements.flatMap(({ sql }) => [parse(sql), parse(`${sql}\n;select 1`)]),
    ]);
    if (!isSeveral(whole!) && this.#tolerated.test(sql)) return;
    checks.holds(
      "the server accepts what is accepted",
      isSeveral(whole!),
      () => `${whole!.error?.message}: ${sql}`,
    );
    statements.forEach(({ sql }, index) => {
      const [alone, withAnother] = pieces.slice(2 * index);
      checks.holds(
        "the server sees one statement in each statement",
        !isSeveral(alone!) && isSeveral(withAnother!),
        () => `${alone!.error?.message}, ${withAnother!.error?.message}: ${sql}`,
      );
    });
    // BEGIN and COMMIT may stand there too.
    if (notices.length > 0 || spans.length === 0) return;
    checks.holds(
      "the server sees no statement between the statements",
      between!.error === null || this.#tolerated.test(gaps),
      () => `${between!.error?.message}: ${gaps}`,
    );
    const { message, position } = broken!.error ?? {};
    checks.holds(
      "the server can begin a statement where one begins",
      message === 'syntax error at or near "*"' && position === [...prefix].length + 1,
      () => `${message} at ${position}: ${prefix}`,
    );
  }

  /** What does not parse does not parse there, in the same place; the rest does. */
  async #checkRefusal({ section, refusal }: SplitSection, checks: Checks): Promise<void> {
    const refusals = [refusal!, ...refusal!.others];
    // COPY is refused with its rows and without them.
    if (refusals.some(({ message }) => /stdin/.test(message))) return;
    const syntax = refusals.find(({ hint }) => /^Mend the SQL|^Delete the line/.test(hint ?? ""));
    const { message, hint, position } = syntax ?? refusal!;
    const [alone, whole] = await this.#wire.ask([
      parse(section.sql),
      parse(`${section.sql}\n;select 1\n;select 2`),
    ]);
    const isSyntax = syntax !== undefined;
    checks.holds(
      "the server refuses what does not parse, and takes what is refused for other reasons",
      isSyntax !== isSeveral(whole!) || (!isSyntax && this.#tolerated.test(section.sql)),
      () => `${message}, ${whole!.error?.message}: ${section.sql}`,
    );
    const { error } = alone!;
    const known = /^Mend the SQL/.test(hint ?? "") && !this.#tolerated.test(section.sql);
    if (!known || error?.position == null) return;
    const before = [...section.sql].slice(0, error.position - 1).join("").split("\n");
    const kind = (text: string) => text.split(" at or near ", 1)[0];
    checks.equal(
      "the server stumbles in the same place",
      [position.line, position.column, kind(message)],
      [section.line + before.length - 1, [...before.at(-1)!].length + 1, kind(error.message)],
    );
  }

  /** As a whole and statement by statement a built file does what it was built to do. */
  async #runStatements(
    { values }: ExpectedSection,
    { sections }: Outcome,
    which: number,
    checks: Checks,
  ): Promise<void> {
    const { section, statements } = sections[which]!;
    const stored = run("select v from w order by n");
    const answers = await this.#wire.ask([
      run("begin"),
      run(section.sql),
      stored,
      run("rollback"),
      run("begin"),
      ...statements.map(({ sql }) => run(sql)),
      stored,
      run("rollback"),
    ]);
    this.filesRun++;
    const [, whole, afterWhole] = answers;
    const pieces = answers.slice(5, -2);
    const property = "the server runs the statements of a built file as it runs the file";
    const failed = answers.find(({ error }) => error !== null);
    checks.holds(property, failed === undefined, () => JSON.stringify(failed));
    checks.equal(property, pieces.map(({ tags }) => tags), whole!.tags.map((tag) => [tag]));
    checks.equal(property, afterWhole!.values, values);
    checks.equal(property, answers.at(-2)!.values, values);
  }
}

function isSeveral({ error }: Answer): boolean {
  return error?.message === severalStatements;
}

function succeed(answers: readonly Answer[]): void {
  for (const { error } of answers) if (error !== null) throw new Error(error.message);
}
