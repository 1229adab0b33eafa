/**
 * Looks at migrations by rules, as they come: their trees are not kept. Pure: no network, no file
 * system, no clock.
 *
 * @module
 */

import { scanComments } from "../planning/lexer.ts";
import type { ParsedStatement } from "../planning/parser.ts";
import type { Section } from "../planning/sections.ts";
import { type Allowance, type RawFinding, readAllowances } from "./allowances.ts";
import type { Place } from "./finding.ts";
import { learn } from "./learn.ts";
import { Model } from "./model.ts";
import type { Rule, Tell } from "./rule.ts";
import { RULES } from "./rules.ts";
import {
  bodyOf,
  findWrites,
  type LintStatement,
  placeNear,
  readBlock,
  toLintStatements,
} from "./statement.ts";

/** Schemas that the API shows where nothing else is said. */
export const EXPOSED: readonly string[] = ["public", "graphql_public"];

const COMMIT_MARK = /^--\s*supamigrate:\s*commit\s*$/i;

/**
 * Looks at the migrations of a folder, in order.
 *
 * @example
 * ```ts
 * import { parseSql } from "../planning/parser.ts";
 * import { Linter } from "./lint.ts";
 *
 * const linter = new Linter();
 * const section = { sql: "create table public.notes (id int);", line: 1 };
 * linter.begin("001_notes.sql");
 * await linter.add("001_notes.sql", section, await parseSql(section.sql));
 * linter.finish().findings.map(({ code }) => code); // table-without-rls and others
 * ```
 */
export class Linter {
  readonly #model: Model;
  readonly #found = new Map<string, RawFinding>();
  readonly #allowances: Allowance[] = [];
  readonly #tellers = new Map(RULES.map((rule) => [rule, this.#tell(rule)]));
  /** The statement that is looked at. */
  #current: LintStatement | undefined;
  #files = 0;
  /** Functions that execute what they put together, or call one that does. */
  readonly #executing = new Map<string, LintStatement>();

  /** @param exposed Schemas that the API shows. */
  constructor(exposed: readonly string[] = EXPOSED) {
    this.#model = new Model(exposed);
  }

  /**
   * A file begins.
   *
   * @param name Its name.
   * @param head What stands before its first banner.
   */
  begin(name: string, head = ""): void {
    this.#files++;
    this.#model.begin();
    this.#allowances.push(...readAllowances(name, { sql: head, line: 1 }, []));
  }

  /**
   * Looks at a part of the file that has begun: what it applies first.
   *
   * @param file The file that the part stands in.
   * @param section The part.
   * @param parsed Its statements.
   * @param isRollback Whether it undoes the migration.
   */
  async add(
    file: string,
    section: Pick<Section, "sql" | "line">,
    parsed: readonly ParsedStatement[],
    isRollback = false,
  ): Promise<void> {
    const part = { name: file, file: this.#files, section, isRollback };
    const statements = toLintStatements(part, parsed);
    this.#allowances.push(...readAllowances(
      file,
      section,
      statements.map(({ place: { statement } }, index) => ({
        start: parsed[index]!.start,
        statement,
      })),
    ));
    const commits = /supamigrate/i.test(section.sql)
      ? scanComments(section.sql).comments.filter(({ text }) => COMMIT_MARK.test(text))
      : [];
    for (const [index, statement] of statements.entries()) {
      while (commits.length > 0 && commits[0]!.start < parsed[index]!.start) {
        commits.shift();
        this.#model.notValid.clear();
      }
      this.#look(statement);
      if (statement.type === "DoStmt") {
        await this.#run(statement, (inner) => this.#look(inner));
      } else if (!isRollback) {
        await this.#followCode(statement);
      }
    }
  }

  /** What was found, and what is accepted. */
  finish(): {
    readonly findings: readonly RawFinding[];
    readonly allowances: readonly Allowance[];
  } {
    for (const rule of RULES) rule.conclude?.(this.#model, this.#tellers.get(rule)!);
    return { findings: [...this.#found.values()], allowances: this.#allowances };
  }

  /** What a DO block or a function does, of which what is not told may come first or last. */
  async #run(statement: LintStatement, take: (inner: LintStatement) => void): Promise<void> {
    const { statements, dynamic } = await readBlock(statement);
    if (!statement.isRollback) this.#model.learnDynamic(dynamic);
    for (const inner of statements) take(inner);
    if (statement.isRollback) return;
    await this.#call(bodyOf(statement) ?? "", statement);
    this.#model.learnDynamic(dynamic);
  }

  /** Functions that execute what they put together do that when they are called. */
  async #followCode(statement: LintStatement): Promise<void> {
    const { type, node, sql } = statement;
    if (type === "CreateFunctionStmt") {
      const body = bodyOf(statement) ?? "";
      const name = this.#model.nameIn(node.funcname);
      // One that calls itself need not be followed for that.
      if (/\bexecute\b/i.test(body) || this.#findCalled(body).length > 0) {
        this.#executing.set(name, statement);
      } else {
        this.#executing.delete(name);
      }
    } else if (type === "CreateEventTrigStmt") {
      const code = this.#executing.get(this.#model.nameIn(node.funcname));
      if (code !== undefined) this.#model.learnEventTrigger((await readBlock(code)).dynamic);
    } else if (CALLS.test(type)) {
      await this.#call(sql, statement);
    }
  }

  /** Takes in what the functions do that a text calls. */
  async #call(text: string, { file }: LintStatement): Promise<void> {
    for (const name of this.#findCalled(text)) {
      const code = this.#executing.get(name);
      if (code === undefined) continue; // It is being followed.
      this.#executing.delete(name);
      await this.#run({ ...code, file }, (inner) => learn(this.#model, inner));
      this.#executing.set(name, code);
    }
  }

  /** Looks once, however many functions there are: a statement may have megabytes of rows. */
  #findCalled(text: string): string[] {
    if (this.#executing.size === 0) return [];
    const bare = (full: string) => full.slice(full.indexOf(".") + 1).toLowerCase();
    const names = Map.groupBy(this.#executing.keys(), bare);
    const any = [...names.keys()].map((name) => name.replace(/\W/g, "\\$&")).join("|");
    const called = text.matchAll(new RegExp(`(?<![\\w$])(?:${any})(?="?\\s*\\()`, "gi"));
    return [...new Set(called.map(([name]) => name.toLowerCase()))]
      .flatMap((name) => names.get(name) ?? []);
  }

  #look(statement: LintStatement): void {
    this.#current = statement;
    for (const rule of statement.isRollback ? IN_ROLLBACK : LOOKING) {
      rule.look!(statement, this.#model, this.#tellers.get(rule)!);
    }
    this.#current = undefined;
    for (const inner of findWrites(statement)) this.#look(inner);
    if (!statement.isRollback) learn(this.#model, statement);
  }

  #tell({ code, level, reason, remedy }: Rule): Tell {
    return (about, message, near) => {
      const current = this.#current;
      const statement = "sql" in about ? about : about === current?.place ? current : undefined;
      const place: Place = statement === undefined
        ? about as Place
        : near === undefined
        ? statement.place
        : placeNear(statement, near);
      const { file, line, column, statement: of } = place;
      const key = `${code} ${of} ${message}`;
      if (this.#found.has(key)) return;
      this.#found.set(key, {
        code,
        level,
        file,
        line,
        ...(column === undefined ? {} : { column }),
        message,
        reason,
        remedy,
        statement: of,
      });
    };
  }
}

/** What may call a function in passing. */
const CALLS = /^(?:Select|Call|Insert|Update|Delete|Merge)Stmt$/;
const LOOKING = RULES.filter(({ look }) => look !== undefined);
const IN_ROLLBACK = LOOKING.filter(({ inRollback }) => inRollback);
