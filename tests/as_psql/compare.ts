/**
 * Runs a folder through `psql` as `postgres`, a file at a time as people do, and through the tool,
 * on two databases that are alike, and compares how both end.
 *
 * @module
 */

import { MigrationFileError, SupamigrateError } from "../../mod.ts";
import { CLEAR_SQL, describeCatalog } from "../database/catalog.ts";
import { describeServer, openProject, type ServerProject } from "../support/projects.ts";
import type { Stack } from "../support/stack.ts";
import type { Folder } from "./folders.ts";

/** The way that the tool takes. */
export type Way = "api" | "direct";

/** How a folder ended. */
export interface Ending {
  /** `same`, or why the tool did not send it, or that it ended otherwise. */
  readonly verdict: "same" | "refused" | "different";
  /** Whether all of it ran in psql. */
  readonly ran: boolean;
  /** The reason of a refusal, or what differs. */
  readonly what: string;
}

/** How far a side came: the files that ran, and the SQLSTATE that ended it. */
interface Outcome {
  readonly done: number;
  readonly code: string | null;
}

/** Two databases that are alike. */
export class Pair implements AsyncDisposable {
  readonly #bare: ServerProject;
  readonly #ours: ServerProject;

  private constructor(bare: ServerProject, ours: ServerProject) {
    this.#bare = bare;
    this.#ours = ours;
  }

  static async open(stack: Stack): Promise<Pair> {
    const open = async () => describeServer(stack, await openProject(stack, { listens: false }));
    return new Pair(await open(), await open());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const project of [this.#bare, this.#ours]) await project[Symbol.asyncDispose]();
  }

  /**
   * Runs a folder on both sides, and compares.
   *
   * @param folder The folder.
   * @param way The way that the tool takes.
   * @param given What the tool is given, where that is to be another one.
   */
  async compare(folder: Folder, way: Way, given = folder): Promise<Ending> {
    for (const project of [this.#bare, this.#ours]) {
      await project.sql(CLEAR_SQL);
      await project.sql(DEFAULT_PRIVILEGES);
    }
    // What the database was like after each file.
    const states = [await describe(this.#bare)];
    let theirs: Outcome = { done: 0, code: null };
    for (const { sql } of folder) {
      const code = await runPsql(this.#bare.databaseUrl, sql);
      theirs = code === null ? { done: theirs.done + 1, code } : { ...theirs, code };
      if (code !== null) break;
      states.push(await describe(this.#bare));
    }
    const ran = theirs.code === null;
    const untouched = await describe(this.#ours);
    const records = JSON.stringify((await this.#ours.records()).history);
    await using migrator = this.#ours.migrator(
      Object.fromEntries(given.map(({ name, sql }) => [name, sql])),
      way === "direct" ? { via: "direct", databaseUrl: this.#ours.databaseUrl } : {},
    );
    let result;
    try {
      result = await migrator.migrate();
    } catch (error) {
      if (!(error instanceof SupamigrateError)) throw error;
      const isRefusal = error instanceof MigrationFileError;
      const nothingSent = JSON.stringify((await this.#ours.records()).history) === records &&
        await describe(this.#ours) === untouched;
      return isRefusal && nothingSent
        ? { verdict: "refused", ran, what: error.message }
        : { verdict: "different", ran, what: `${error.name}: ${error.message}` };
    }
    const failed = result.results.find(({ success }) => !success);
    const ours: Outcome = {
      done: result.results.filter(({ success }) => success).length,
      code: failed?.error?.code ?? null,
    };
    // As all of a file is in a transaction, what may stand in one alone may stand anywhere. And what a
    // file takes back itself is not run: a mistake in it is none.
    const ended = folder[theirs.done]?.sql ?? "";
    const excused = theirs.code === NEEDS_BLOCK ||
      (theirs.code !== null && /\brollback\b/i.test(ended));
    if (excused && ours.done >= theirs.done) return { verdict: "same", ran, what: "" };
    if (ours.done !== theirs.done || ours.code !== theirs.code) {
      const say = ({ done, code }: Outcome) => `${done} of ${folder.length} files, ${code ?? "ok"}`;
      const why = failed === undefined ? "" : ` (${failed.error!.message})`;
      return {
        verdict: "different",
        ran,
        what: `psql: ${say(theirs)}; supamigrate: ${say(ours)}${why}`,
      };
    }
    // A file of which some steps are done keeps them, as psql keeps each statement.
    if (failed !== undefined && failed.steps.done > 0) return { verdict: "same", ran, what: "" };
    const expected = states[theirs.done]!;
    const present = await describe(this.#ours);
    return present === expected
      ? { verdict: "same", ran, what: "" }
      : { verdict: "different", ran, what: difference(expected, present) };
  }
}

/** SQLSTATE no_active_sql_transaction: LOCK TABLE, DECLARE, SAVEPOINT outside a block. */
const NEEDS_BLOCK = "25P01";

/** As a new project has them. */
const DEFAULT_PRIVILEGES = `
  alter default privileges for role postgres in schema public
    grant all on tables to anon, authenticated, service_role;
`;

async function describe(project: ServerProject): Promise<string> {
  return (await describeCatalog(project.sql)).join("\n");
}

function difference(expected: string, present: string): string {
  const [before, after] = [expected.split("\n"), present.split("\n")];
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `psql alone: ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `supamigrate alone: ${line}`),
  ].join("\n");
}

/** Runs a file with psql, and returns the SQLSTATE that ended it, or null. */
async function runPsql(databaseUrl: string, sql: string): Promise<string | null> {
  const child = new Deno.Command("psql", {
    args: ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-v", "VERBOSITY=verbose", "-f", "-", databaseUrl],
    env: { LC_ALL: "C" },
    stdin: "piped",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  // psql may end at an error before it has read all of it.
  await writer.write(new TextEncoder().encode(sql)).then(() => writer.close()).catch(() => {});
  const { code, stderr } = await child.output();
  if (code === 0) return null;
  const said = new TextDecoder().decode(stderr);
  const state = /(?:ERROR|FATAL): {2}([0-9A-Z]{5}):/.exec(said)?.[1];
  if (state === undefined) throw new Error(`psql ended with ${code}: ${said}`);
  return state;
}
