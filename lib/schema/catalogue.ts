/**
 * What a database's schema is made of, read in one statement: all of it is of the same moment, on
 * every channel, and nothing can be changed by it.
 *
 * @module
 */

import bucketsSql from "../../sql/schema_buckets.sql" with { type: "text" };
import cronJobsSql from "../../sql/schema_cron_jobs.sql" with { type: "text" };
import extrasSql from "../../sql/schema_extras.sql" with { type: "text" };
import settingsSql from "../../sql/schema_settings.sql" with { type: "text" };
import { buildFactBase, type Fact, type FactBase } from "./facts.ts";
import { findTokens } from "../planning/tokens.ts";
import { extract } from "@supabase/pg-delta/extract";

/** A schema, as it was at one moment. */
export interface Catalogue {
  /** Its objects, their privileges, owners and dependencies. */
  readonly facts: FactBase;
  /** What pg-delta does not see, by what it is and its name. */
  readonly extras: ReadonlyMap<string, Extra>;
  /** The server's major version. */
  readonly major: number;
  /**
   * Whether plans that lead to it say what is closed to the API's roles: what a project has closed is to
   * stay so, whatever the next one grants by default. What files declare says nothing of it.
   */
  readonly saysClosed?: boolean | undefined;
}

/** Something that pg-delta does not see. */
export interface Extra {
  /** What it is, such as `statistics object` or `cron job`. */
  readonly kind: string;
  /** The schema that it is in; null where it is in none. */
  readonly schema: string | null;
  /** Its name, as SQL writes it. */
  readonly name: string;
  /** Everything about it that can differ. */
  readonly definition: string;
  /** What makes it, or sets it; a line each. Null where that cannot be written. */
  readonly create: string | null;
  /** What removes it, or sets it back. */
  readonly drop: string;
}

/** Runs one statement and returns its rows. */
export type Ask = (sql: string) => Promise<readonly Readonly<Record<string, unknown>>[]>;

type Rows = readonly Readonly<Record<string, unknown>>[];

/**
 * Reads the catalogue.
 *
 * @param ask How to ask the database. Its search_path has to be `pg_catalog`.
 * @returns What is there.
 * @throws What `ask` throws.
 */
export async function readCatalogue(ask: Ask): Promise<Catalogue> {
  // What is asked depends on the version, and on whether a few tables may be read.
  const queries = new Set([...(await rehearse(OLDEST, new Map())).missing].filter(isAboutRights));
  let answers = await askTogether(ask, [WHAT_IS_THERE, ...queries]);
  const there = answers.get(WHAT_IS_THERE)![0]!;
  const number = Number(there.number);
  const extras = [
    extrasSql,
    settingsSql,
    ...(there.buckets === true ? [bucketsSql] : []),
    ...(there.cron === true ? [cronJobsSql] : []),
  ];
  for (;;) {
    const { facts, missing } = await rehearse(number, answers);
    if (missing.size === 0) {
      const others = toExtras(extras.flatMap((sql) => answers.get(sql)!));
      return {
        facts: withoutIncomplete(withoutEmpty(facts), others),
        extras: others,
        major: Math.floor(number / 10_000),
      };
    }
    // Asked together, what was answered before too: one moment for all.
    for (const query of missing) queries.add(query);
    answers = await askTogether(ask, [...queries, ...extras]);
  }
}

/** A version that asks what every version asks. */
const OLDEST = 150_000;

function isAboutRights(query: string): boolean {
  return /^\s*select has_\w+_privilege\(/i.test(query);
}

/** Reads the facts from answers, and finds which queries have none yet. */
async function rehearse(
  number: number,
  answers: ReadonlyMap<string, Rows>,
): Promise<{ facts: FactBase; missing: ReadonlySet<string> }> {
  const missing = new Set<string>();
  const { factBase } = await extract(answering(number, answers, missing));
  return { facts: factBase, missing };
}

/** A table that is not there cannot be named. */
const WHAT_IS_THERE = `
select current_setting('server_version_num')::integer as number,
       coalesce(has_table_privilege(to_regclass('storage.buckets'), 'select'), false) as buckets,
       coalesce(has_table_privilege(to_regclass('cron.job'), 'select'), false) as cron`;

/** Leaves out what says nothing, and differs between databases that are the same. */
function withoutEmpty(facts: FactBase): FactBase {
  const all = facts.facts();
  const kept = all.filter((fact) => !isRepeated(fact) && !revokesNothing(fact))
    .map(withPlainBody);
  return kept.length === all.length && kept.every((fact, index) => fact === all[index])
    ? facts
    : buildFactBase(kept, [...facts.edges], facts.source);
}

/** Migrations are read with line ends that are LF; a body has what the client has sent that made it. */
function withPlainBody(fact: Fact): Fact {
  const { def } = fact.payload;
  const isRoutine = fact.id.kind === "function" || fact.id.kind === "procedure";
  if (!isRoutine || typeof def !== "string" || !def.includes("\r")) return fact;
  let plain = "";
  let at = 0;
  for (const { kind, start, end } of findTokens(def)) {
    if (kind !== "dollar") continue;
    plain += def.slice(at, start) + def.slice(start, end).replace(/\r\n?/g, "\n");
    at = end;
  }
  return { ...fact, payload: { ...fact.payload, def: plain + def.slice(at) } };
}

/** Leaves out the indexes that not all partitions have: as facts they would be like any others. */
function withoutIncomplete(facts: FactBase, extras: Catalogue["extras"]): FactBase {
  const bare = (name: string) => name.replaceAll('"', "");
  const names = new Set(
    [...extras.values()].flatMap(({ kind, name }) => kind === "incomplete index" ? bare(name) : []),
  );
  const isIncomplete = ({ id }: Fact) => {
    const of = id.kind === "comment" ? id.target : id;
    return of.kind === "index" && names.has(bare(`${of.schema}.${of.name}`));
  };
  const kept = facts.facts().filter((fact) => !isIncomplete(fact));
  return kept.length === facts.facts().length
    ? facts
    : buildFactBase(kept, [...facts.edges], facts.source);
}

/** PostgreSQL 18 says of a domain that it is NOT NULL twice: as what it is, and as a constraint. */
function isRepeated({ id, parent, payload }: Fact): boolean {
  return id.kind === "constraint" && parent?.kind === "domain" &&
    String(payload.def).startsWith("NOT NULL");
}

/** What a schema grants by default is added to what is granted everywhere, and can take nothing away. */
function revokesNothing({ id, payload }: Fact): boolean {
  return id.kind === "defaultPrivilege" && id.schema !== null &&
    Array.isArray(payload.privileges) && payload.privileges.length === 0;
}

type Pool = Parameters<typeof extract>[0];

/** Stands for a connection: answers what is known, and takes down what is not. */
function answering(number: number, answers: ReadonlyMap<string, Rows>, missing: Set<string>): Pool {
  const query = (sql: string) => {
    if (/^\s*(begin|set|commit|rollback)\b/i.test(sql) || sql.includes("set_config('jit'")) {
      return Promise.resolve({ rows: [] });
    }
    if (sql.includes("server_version_num")) {
      return Promise.resolve({ rows: [{ version: String(number), num: number }] });
    }
    if (!answers.has(sql)) missing.add(sql);
    return Promise.resolve({ rows: answers.get(sql) ?? [] });
  };
  return { query, connect: () => Promise.resolve({ query, release: () => {} }) } as unknown as Pool;
}

/** Many queries as one statement, which sees one moment. */
async function askTogether(ask: Ask, queries: readonly string[]): Promise<Map<string, Rows>> {
  const parts = queries.map((query, index) =>
    `(select jsonb_agg(to_jsonb(r)) from (\n${query.replace(/;\s*$/, "")}\n) r) as q${index}`
  );
  const [row] = await ask(`select ${parts.join(",\n")}`);
  return new Map(queries.map((query, index) => [query, (row?.[`q${index}`] ?? []) as Rows]));
}

function toExtras(rows: Rows): Map<string, Extra> {
  const extras = rows as unknown as readonly Extra[];
  return new Map(extras.map((extra) => [`${extra.kind} ${extra.name}`, extra]));
}
