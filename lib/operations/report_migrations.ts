/** What a page shows of each migration. @module */

import type { DatabaseState } from "../database/state.ts";
import { readBlock, toLintStatements } from "../lint/statement.ts";
import { parseText } from "../planning/parser.ts";
import type { Migration } from "../planning/plan.ts";
import type { Refusals } from "../planning/refusals.ts";
import type { ReportMigration, ReportPlan } from "../report/data.ts";
import type { ReportTable } from "../report/schema.ts";
import { findTouched } from "../report/touched.ts";
import type { PlanFile, PlanFileMigration } from "./plan_file.ts";
import type { LoadedMigrations } from "./source.ts";
import type { StatusResult } from "./status.ts";

/**
 * Describes all migrations: those with a file in order, then those without.
 *
 * @param files The files.
 * @param refusals Files that are not fit to be migrations.
 * @param state What the database says.
 * @param status Where it stands.
 * @param plan What `migrate` would do; null where nothing is pending, or it is not known.
 * @param schema The tables that there are, or will be.
 */
export async function describeMigrations(
  { migrations }: LoadedMigrations,
  refusals: Refusals,
  { history }: DatabaseState,
  { pending, missing }: StatusResult,
  plan: PlanFile | null,
  schema: readonly ReportTable[],
): Promise<ReportMigration[]> {
  const entries = new Map(history.map((entry) => [entry.name, entry]));
  const reasons = new Map(pending.map(({ name, reason }) => [name, reason]));
  const plans = new Map(plan?.migrations.map((planned) => [planned.name, planned]));
  const tables = await findTables(migrations, schema);
  const known = new Set(migrations.map(({ name }) => name));
  const unfit = [...new Set(refusals.all.map(({ position }) => position.file))]
    .filter((name) => !known.has(name));
  const of = (name: string, migration: Migration | undefined) => {
    const entry = entries.get(name);
    const reason = reasons.get(name) ?? null;
    const planned = plans.get(name);
    return {
      name,
      state: migration === undefined
        ? unfit.includes(name) ? "unfit" as const : "file is gone" as const
        : reason === null && entry !== undefined
        ? "applied" as const
        : "pending" as const,
      reason,
      batch: entry?.batch ?? null,
      executedAt: entry?.executedAt ?? null,
      executionTimeMs: entry?.executionTimeMs ?? null,
      error: entry?.error ?? null,
      sql: migration === undefined
        ? null
        : { text: migration.forward.sql, line: migration.forward.line },
      rollback: migration === undefined || migration.rollback === null ? null : {
        text: migration.rollback.sql,
        line: migration.rollback.line,
        file: migration.rollback.file,
      },
      plan: planned === undefined ? null : toPlan(planned),
      tables: tables.get(name) ?? [],
    };
  };
  return [
    ...migrations.map((migration) => of(migration.name, migration)),
    ...unfit.map((name) => of(name, undefined)),
    ...missing.filter((name) => !unfit.includes(name)).map((name) => of(name, undefined)),
  ];
}

function toPlan({ steps, stepsDone, notices }: PlanFileMigration): ReportPlan {
  const statements = steps.flatMap(({ statements }) => statements);
  return {
    statements: statements.length,
    steps: steps.map(({ statements, outside }) => ({ statements: statements.length, outside })),
    stepsDone,
    destroys: statements.flatMap(({ line, destroys }) =>
      destroys === undefined ? [] : [{ line, what: destroys }]
    ),
    notices,
  };
}

/** Which tables each migration is about, of those that there are, by the names that they have in the end. */
async function findTables(
  migrations: readonly Migration[],
  schema: readonly ReportTable[],
): Promise<Map<string, { id: string; made: boolean }[]>> {
  const keyOf = ({ schema, name }: { schema: string; name: string }) =>
    JSON.stringify([schema, name]);
  const found = new Map<string, Map<string, boolean>>();
  for (const { name, forward } of migrations) {
    const own = new Map<string, boolean>();
    found.set(name, own);
    for (const table of await findInSection(name, forward)) {
      const key = keyOf(table);
      own.set(key, own.get(key) || table.how === "made");
      if (table.to === undefined) continue;
      const renamed = keyOf(table.to);
      for (const tables of found.values()) {
        const made = tables.get(key);
        if (made === undefined) continue;
        tables.delete(key);
        tables.set(renamed, made);
      }
    }
  }
  const ids = new Map(schema.map((table) => [keyOf(table), table.id]));
  return new Map(
    [...found].map(([name, tables]) => [
      name,
      [...tables].flatMap(([key, made]) => {
        const id = ids.get(key);
        return id === undefined ? [] : [{ id, made }];
      }),
    ]),
  );
}

async function findInSection(name: string, section: Migration["forward"]) {
  const { statements } = await parseText(section.sql);
  const seen = toLintStatements({ name, file: 0, section, isRollback: false }, statements);
  const all = await Promise.all(
    seen.map(async (statement) =>
      statement.type === "DoStmt"
        ? (await readBlock(statement)).statements.flatMap(findTouched)
        : findTouched(statement)
    ),
  );
  return all.flat();
}
