/** Whether what is installed is what the tool ships. @module */

import {
  type Check,
  findSchemaGap,
  INSTALL,
  isNotInstalled,
  nameSome,
  type Remedy,
  toSql,
} from "./check.ts";
import type { Facts, FunctionFacts, ShippedFunction } from "./facts.ts";

/** The two triggers that keep the log as it is, with their functions. */
const LOG_TRIGGERS = {
  migration_log_is_append_only: "supamigrate.refuse_log_change",
  migration_log_is_chained: "supamigrate.chain_entry",
} as const;

const DOOR = "public.exec_sql";

const INSTALL_PAST_THE_DOOR: Remedy = {
  advice: "Put it back past the API, with DATABASE_URL or SUPABASE_ACCESS_TOKEN set, or with " +
    "--print and the SQL editor: an exec_sql that was changed need not change itself back.",
  command: INSTALL,
};

function compare(found: FunctionFacts, shipped: ShippedFunction): string[] {
  const sameSettings =
    [...found.settings].sort().join("\n") === [...shipped.settings].sort().join("\n");
  return [
    ...(found.checksum === shipped.checksum ? [] : ["body"]),
    ...(found.language === shipped.language ? [] : ["language"]),
    ...(found.security_definer === shipped.securityDefiner ? [] : ["rights it runs with"]),
    ...(found.volatility === shipped.volatility ? [] : ["volatility"]),
    ...(sameSettings ? [] : ["settings (search_path and the like)"]),
  ];
}

/**
 * Names of functions that are missing or not as this tool ships them.
 *
 * @param facts The facts.
 * @returns The names with what is different about them.
 */
export function findAlteredFunctions({ catalog, shipped }: Facts): Map<string, string> {
  const altered = new Map<string, string>();
  for (const [name, wanted] of shipped.functions) {
    const differences = catalog.functions.filter((found) => found.name === name)
      .map((found) => compare(found, wanted));
    if (differences.length === 0) altered.set(name, "missing");
    else if (differences.every((list) => list.length > 0)) {
      altered.set(name, `another ${differences[0]!.join(" and ")}`);
    }
  }
  return altered;
}

/** Functions in the tracking schema that the tool does not ship, overloads of its own included. */
export function findForeignFunctions(facts: Facts): FunctionFacts[] {
  const altered = findAlteredFunctions(facts);
  return facts.catalog.functions.filter((found) => {
    const wanted = facts.shipped.functions.get(found.name);
    return wanted === undefined ||
      (compare(found, wanted).length > 0 && !altered.has(found.name));
  });
}

const execSql: Check = {
  id: "exec_sql",
  title: "exec_sql is the function that this tool ships",
  examine: (facts) => {
    const gap = findSchemaGap(facts);
    // Another version of the schema comes with another exec_sql.
    if (gap !== null && facts.catalog.schema !== null) return gap;
    const difference = findAlteredFunctions(facts).get(DOOR);
    if (difference === "missing") {
      if (isNotInstalled(facts.catalog)) return "supamigrate is not installed";
      if (facts.api?.problem) return "it is not there";
      return [{
        problem: "There is no public.exec_sql(text, jsonb)",
        why: "Everything goes through it.",
        mend: { command: INSTALL },
      }];
    }
    if (difference !== undefined) {
      return [{
        problem:
          `public.exec_sql(text, jsonb) is not the function that this tool ships: it has ${difference}`,
        why:
          "All SQL of migrations passes through it. The one that is shipped fixes search_path, " +
          "lifts the time-out, cleans up after itself and keeps PostgREST from repeating a " +
          "transaction that could not be serialized.",
        mend: INSTALL_PAST_THE_DOOR,
      }];
    }
    const { owner } = facts.catalog.functions.find(({ name }) => name === DOOR)!;
    if (facts.log?.door_is_as_installed === false && owner === facts.catalog.schema?.owner) {
      return [{
        problem: "public.exec_sql(text, jsonb) is not on record as the function that was installed",
        why: "Every command that writes refuses to work with it.",
        mend: { command: INSTALL },
      }];
    }
    return [];
  },
};

const schema: Check = {
  id: "schema",
  title: "the tracking schema is complete and of this tool's version",
  examine: ({ catalog, schemaVersion, shipped, lock }) => {
    if (catalog.schema === null) {
      if (isNotInstalled(catalog)) {
        return [{
          problem: "supamigrate is not installed",
          why: "Nothing can be migrated without it.",
          mend: { command: INSTALL },
        }];
      }
      return [{
        problem: "There is no schema supamigrate",
        why: "History, lock and log are in it.",
        mend: {
          advice: "If there was one, its history is gone: record what is applied with " +
            "supamigrate baseline NAME before you migrate.",
          command: INSTALL,
        },
      }];
    }
    if (schemaVersion !== null && schemaVersion > shipped.schemaVersion) {
      return [{
        problem:
          `The tracking schema has version ${schemaVersion}, and this tool knows ${shipped.schemaVersion}`,
        why: "A newer supamigrate has been used on this project.",
        mend: { advice: "Use the newer one." },
      }];
    }
    if (schemaVersion !== null && schemaVersion < shipped.schemaVersion) {
      return [{
        problem:
          `The tracking schema has version ${schemaVersion}, and this tool works with ${shipped.schemaVersion}`,
        why: "Any other command upgrades it; doctor changes nothing.",
        mend: { command: INSTALL },
      }];
    }
    const relations = new Map(catalog.relations.map((relation) => [relation.name, relation]));
    const tables = [...shipped.tables].filter(([name]) => !relations.has(name));
    if (tables.length > 0) {
      return [{
        problem: `Tables are missing: ${tables.map(([name]) => name).join(", ")}`,
        why: "A history that is gone is not made anew unasked, so that nothing is applied twice.",
        mend: {
          advice: "Restore them from a backup. Otherwise install makes them empty, and " +
            "supamigrate baseline NAME records what is applied.",
          command: INSTALL,
        },
      }];
    }
    const columns = [...shipped.tables].flatMap(([table, columns]) =>
      [...columns].filter(([column]) => !relations.get(table)!.columns.includes(column))
        .map(([column, definition]) => ({ table, column, definition }))
    );
    if (columns.length > 0) {
      return [{
        problem: `Columns are missing: ${
          columns.map(({ table, column }) => `${table}.${column}`).join(", ")
        }`,
        why: "Nothing can be recorded without them.",
        mend: {
          advice: "What was in them is in a backup at most.",
          sql: toSql(
            columns.map(({ table, definition }) =>
              `alter table ${table} add column ${definition};`
            ),
          ),
          command: INSTALL,
        },
      }];
    }
    if (schemaVersion === null || lock?.installations === 0) {
      return [{
        problem: "supamigrate.installation does not say which version is installed",
        why: "Tools of other versions could not tell that this schema is not theirs.",
        mend: { command: INSTALL },
      }];
    }
    return [];
  },
};

const functions: Check = {
  id: "functions",
  title: "the functions in the tracking schema are those that this tool ships",
  examine: (facts) => {
    const gap = findSchemaGap(facts);
    if (gap !== null) return gap;
    const altered = [...findAlteredFunctions(facts)].filter(([name]) => name !== DOOR);
    const foreign = findForeignFunctions(facts);
    return [
      ...(altered.length === 0 ? [] : [{
        problem: `Functions are not those that this tool ships: ${
          nameSome(altered.map(([name, difference]) => `${name} (${difference})`), 5)
        }`,
        why: "They keep the lock, the history and the log.",
        mend: { command: INSTALL },
      }]),
      ...(foreign.length === 0 ? [] : [{
        problem: `Functions in the schema supamigrate are not supamigrate's: ${
          nameSome(foreign.map(({ signature }) => signature))
        }`,
        why: "The schema is kept for what the tool installs; another function could take the " +
          "place of one of its own.",
        mend: { sql: toSql(foreign.map(({ signature }) => `drop function ${signature};`)) },
      }]),
    ];
  },
};

const log: Check = {
  id: "log",
  title: "the audit log only grows, and each entry is chained to the one before",
  examine: (facts) => {
    const gap = findSchemaGap(facts);
    if (gap !== null) return gap;
    const missing = Object.entries(LOG_TRIGGERS).filter(([name, routine]) =>
      !facts.catalog.triggers.some((trigger) =>
        trigger.table === "supamigrate.migration_log" && trigger.name === name &&
        trigger.function === routine && trigger.enabled === "always"
      )
    );
    if (missing.length === 0) return [];
    return [{
      problem: `What protects the audit log is gone or put to rest: ${
        missing.map(([name]) => `trigger ${name}`).join(", ")
      }`,
      why: "Entries could be changed or left out without a trace.",
      mend: { command: INSTALL },
    }];
  },
};

const tables: Check = {
  id: "tables",
  title: "nothing else acts on the tracking tables",
  examine: (facts) => {
    const { catalog, shipped } = facts;
    if (catalog.schema === null) return findSchemaGap(facts)!;
    const problems: [string, string][] = [
      ...catalog.triggers.filter(({ name }) => !(name in LOG_TRIGGERS))
        .map(({ table, name }): [string, string] => [
          `trigger ${name} on ${table}`,
          `drop trigger "${name}" on ${table};`,
        ]),
      ...catalog.rules.map(({ table, name }): [string, string] => [
        `rule ${name} on ${table}`,
        `drop rule "${name}" on ${table};`,
      ]),
      ...catalog.relations.filter(({ name }) => shipped.tables.has(name)).flatMap((table) => [
        ...(table.forces_row_security
          ? [[
            `row level security that ${table.name} forces on its owner`,
            `alter table ${table.name} no force row level security;`,
          ] as [string, string]]
          : []),
        ...(table.is_logged ? [] : [[
          `${table.name} is unlogged, and empty after a crash`,
          `alter table ${table.name} set logged;`,
        ] as [string, string]]),
      ]),
    ];
    if (problems.length === 0) return [];
    return [{
      problem: `Something else acts on the tracking tables: ${
        nameSome(problems.map(([problem]) => problem), 5)
      }`,
      why: "What is recorded may not be what happened.",
      mend: { sql: toSql(problems.map(([, sql]) => sql)) },
    }];
  },
};

/** Whether what is installed is what the tool ships. */
export const CODE_CHECKS: readonly Check[] = [execSql, schema, functions, log, tables];
