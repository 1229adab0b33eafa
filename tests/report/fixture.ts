/** Data of reports, made up. */

import type { ReportData, ReportTable } from "../../mod.ts";

/** A table of which nothing is special but what is given. */
export function table(name: string, others: Partial<ReportTable> = {}): ReportTable {
  return {
    id: `public.${name}`,
    schema: "public",
    name,
    kind: "table",
    owner: "postgres",
    comment: null,
    rls: true,
    forced: false,
    rows: null,
    bytes: 8192,
    definition: null,
    columns: [{ name: "id", type: "uuid", required: true }],
    constraints: [],
    references: [],
    indexes: [],
    triggers: [],
    policies: [],
    grants: [],
    access: {},
    ...others,
  };
}

/** A foreign key. */
export function reference(
  column: string,
  target: string,
  others: Partial<ReportTable["references"][number]> = {},
): ReportTable["references"][number] {
  return {
    name: `${column}_fkey`,
    columns: [column],
    target: `public.${target}`,
    targetColumns: ["id"],
    onDelete: null,
    optional: false,
    unique: false,
    ...others,
  };
}

/** Data of a project that is up to date. */
export function reportOf(
  tables: readonly ReportTable[],
  others: Partial<ReportData> = {},
): ReportData {
  return {
    madeAt: "2026-01-02T03:04:05.678Z",
    toolVersion: "1.2.3",
    project: { kind: "project", name: "abcdefghijklmnopqrst", url: "https://example.supabase.co" },
    state: {
      upToDate: true,
      totalFiles: 0,
      executed: 0,
      lastBatch: 0,
      lock: null,
      running: null,
      warnings: [],
    },
    migrations: [],
    log: [],
    logIsCut: false,
    lint: { known: true, value: [] },
    doctor: { known: true, value: [] },
    drift: { known: false, reason: "not looked for" },
    schema: {
      roles: ["anon", "authenticated", "service_role"].map((name) => ({
        name,
        bypassesRls: name === "service_role",
        is: [name],
      })),
      tables,
    },
    changes: { known: true, value: [] },
    locks: { known: true, value: [] },
    ...others,
  };
}

/** As many tables as a large project has, of a dozen columns and some keys each. */
export function manyTables(count: number): ReportTable[] {
  return Array.from({ length: count }, (_, index) => {
    const targets = [
      ...(index % 3 === 0 ? [] : [index - (index % 7) - 1]),
      ...(index % 2 === 0 ? [] : [index % 5]),
      ...(index % 11 === 0 ? [Math.floor(index / 2)] : []),
    ].filter((target) => target >= 0 && target !== index);
    const keys = [...new Set(targets)];
    const name = (of: number) => `${AREAS[of % AREAS.length]}_${of}`;
    return table(name(index), {
      comment: `What there is to say of table ${index}`,
      rows: index * 1000,
      columns: [
        { name: "id", type: "uuid", required: true, default: "gen_random_uuid()" },
        ...keys.map((target) => ({ name: `${name(target)}_id`, type: "uuid", required: true })),
        ...Array.from({ length: 11 }, (_, number) => ({
          name: `column_${number}`,
          type: number % 2 === 0 ? "text" : "timestamp with time zone",
        })),
      ],
      constraints: [{
        name: `${name(index)}_pkey`,
        kind: "primary key",
        columns: ["id"],
        definition: "PRIMARY KEY (id)",
      }],
      references: keys.map((target) => reference(`${name(target)}_id`, name(target))),
      indexes: keys.map((target) => ({
        name: `${name(index)}_${target}_idx`,
        definition: `CREATE INDEX ${name(index)}_${target}_idx ON public.${name(index)} ` +
          `USING btree (${name(target)}_id)`,
        valid: true,
      })),
      policies: ["select", "insert"].map((command) => ({
        name: `Members may ${command}`,
        command: command as "select" | "insert",
        permissive: true,
        roles: ["authenticated"],
        using: command === "select" ? "(owner = ( SELECT auth.uid() AS uid))" : null,
        check: command === "insert" ? "(owner = ( SELECT auth.uid() AS uid))" : null,
      })),
      grants: [{ grantee: "authenticated", privileges: ["insert", "select"], columns: null }],
      access: { anon: "", authenticated: "SI", service_role: "SIUD" },
    });
  });
}

const AREAS = ["orders", "customers", "invoices", "shipments", "products", "warehouses"];
