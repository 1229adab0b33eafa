/** What the server, PostgREST and this machine may do to a migration. @module */

import { formatDuration } from "../duration.ts";
import { type Check, type Finding, INSTALL, isNotInstalled, nameSome, toSql } from "./check.ts";
import type { ApiProblem, CatalogFacts, Facts } from "./facts.ts";

/** The oldest server that the functions are tested on. */
const OLDEST_SERVER = 15;

/** From this version on, a function's own statement_timeout counts for the whole request. */
const HOISTING_POSTGREST = 12;

const CLOCK_TOLERANCE_MS = 5 * 60_000;

/** PostgREST itself pauses for milliseconds at most between the statements of a request. */
const LONG_IDLE_MS = 5_000;

const NO_API = "the API was not asked";

const NEW_CONNECTIONS = `select pg_terminate_backend(pid) from pg_stat_activity
 where usename = 'authenticator' and datname = current_database() and pid <> pg_backend_pid();`;

/** The version of PostgREST as it tells the server; of several, the oldest. */
export function findPostgrestVersion({ api, catalog }: Facts): string | null {
  const names = [
    ...(api?.session === undefined || api.session === null ? [] : [api.session.application_name]),
    ...catalog.api_sessions.map(({ application_name }) => application_name),
  ];
  const versions = names.flatMap((name) => /^postgrest (\d+(?:\.\d+)*)/i.exec(name)?.[1] ?? []);
  return versions.sort((a, b) => parseFloat(a) - parseFloat(b))[0] ?? null;
}

/** What is wrong with the API, as a finding. */
export function toApiFinding({ code, message, hint }: ApiProblem): Omit<Finding, "check"> {
  const why = "Everything goes through it.";
  if (code === "PGRST106") return { problem: message, why, mend: { advice: hint } };
  if (code === "42501") {
    const sql = "grant execute on function public.exec_sql(text, jsonb) to service_role;";
    return { problem: message, why, mend: { advice: hint, sql } };
  }
  const command = code === "PGRST203" ? `${INSTALL} --replace` : INSTALL;
  return { problem: message, why, mend: { advice: hint, command } };
}

const api: Check = {
  id: "api",
  title: "exec_sql answers through the API",
  examine: ({ api, catalog }) => {
    if (api === null) return NO_API;
    if (api.problem === null) return [];
    if (isNotInstalled(catalog)) return "supamigrate is not installed";
    const isThere = catalog.functions.some(({ name }) => name === "public.exec_sql");
    if (api.problem.code !== "PGRST202" || !isThere) return [toApiFinding(api.problem)];
    return [{
      problem: "exec_sql is there, and the API does not know of it yet",
      why: "Everything goes through it.",
      mend: { sql: "notify pgrst, 'reload schema';" },
    }];
  },
};

const server: Check = {
  id: "server",
  title: `the server is PostgreSQL ${OLDEST_SERVER} or later`,
  examine: ({ catalog: { server } }) =>
    server.version_number >= OLDEST_SERVER * 10_000 ? [] : [{
      problem: `The server is PostgreSQL ${server.version}`,
      why: `The functions are made for ${OLDEST_SERVER} and later.`,
      mend: { advice: "Upgrade the project, in its settings under Infrastructure." },
    }],
};

const primary: Check = {
  id: "primary",
  title: "the server is a primary, and may be written to",
  examine: ({ api, catalog }) => {
    if (catalog.server.in_recovery) {
      return [{
        problem: "The server is a read replica",
        why: "Nothing can be written to it.",
        mend: { advice: "Use the URL of the primary database as SUPABASE_URL." },
      }];
    }
    const settings = findSettings(catalog, "default_transaction_read_only")
      .filter(({ value }) => /^(on|true|yes|1)$/i.test(value));
    if (settings.length === 0 && !api?.session?.read_only_by_default) return [];
    return [{
      problem: "Transactions are read-only by default (default_transaction_read_only)",
      why:
        "Supabase sets this where a disk is full; what migrations start may not be able to write.",
      mend: settings.length === 0
        ? {
          advice: "Make room on the disk, or take the setting out of the server's configuration.",
        }
        : {
          advice: "Make room on the disk first, where that is why.",
          sql: toSql(["set transaction read write;", ...settings.map(toReset), NEW_CONNECTIONS]),
        },
    }];
  },
};

type StoredSetting = CatalogFacts["stored_settings"][number];

function findSettings(catalog: CatalogFacts, name: string): StoredSetting[] {
  return catalog.stored_settings.filter((setting) => setting.name === name);
}

function toReset({ role, database, name }: StoredSetting): string {
  if (role === null) return `alter database ${database} reset ${name};`;
  return `alter role ${role}${database === null ? "" : ` in database ${database}`} reset ${name};`;
}

const timeouts: Check = {
  id: "timeouts",
  title: "no time-out cuts a long migration off",
  examine: (facts) => {
    const { api, catalog } = facts;
    if (api?.session === undefined || api.session === null) return NO_API;
    const { transaction_timeout: transaction } = api.session;
    const findings = [];
    const postgrest = findPostgrestVersion(facts);
    const hoisted = findSettings(catalog, "pgrst.db_hoisted_tx_settings")
      .find(({ value }) => !value.includes("statement_timeout"));
    const limit = findSettings(catalog, "statement_timeout")
      .find(({ role }) => role === "authenticator")?.value ?? "authenticator's statement_timeout";
    if (postgrest !== null && parseFloat(postgrest) < HOISTING_POSTGREST) {
      findings.push({
        problem: `PostgREST ${postgrest} does not know that exec_sql lifts statement_timeout`,
        why: `Migrations are cancelled after ${limit}.`,
        mend: { advice: `Upgrade PostgREST to ${HOISTING_POSTGREST} or later.` },
      });
    } else if (hoisted !== undefined) {
      findings.push({
        problem: "PostgREST is told not to let functions lift statement_timeout " +
          "(pgrst.db_hoisted_tx_settings)",
        why: `Migrations are cancelled after ${limit}.`,
        mend: { sql: toSql([toReset(hoisted), "notify pgrst, 'reload config';"]) },
      });
    }
    if (transaction !== null && transaction !== "0") {
      const settings = findSettings(catalog, "transaction_timeout");
      findings.push({
        problem: `transaction_timeout is ${transaction}`,
        why: "A migration is one transaction: after that time its connection is closed.",
        mend: settings.length === 0
          ? { advice: "Take transaction_timeout out of the server's configuration." }
          : { sql: toSql([...settings.map(toReset), NEW_CONNECTIONS]) },
      });
    }
    return findings;
  },
};

const VIA = "--via direct (with DATABASE_URL) or --via management (with SUPABASE_ACCESS_TOKEN)";

const supautils: Check = {
  id: "supautils",
  title: "the API's connections have what gives postgres Supabase's own rights",
  examine: ({ api }) => {
    if (api?.session === undefined || api.session === null) return NO_API;
    const { is_configured, is_loaded, hints, restricts_versions } = api.session.supautils;
    if (is_configured && !is_loaded) {
      return [{
        problem: "The API's connections are without supautils, which the server is configured for",
        why: "Some of what postgres may do over a direct connection ends with 42501 in a " +
          "migration: extensions, event triggers, publications, policies and triggers on auth, " +
          "storage and realtime, and settings that Supabase reserves (pgrst.…).",
        mend: {
          advice: `Run migrations that need it with ${VIA}. Projects made since April 2026 have ` +
            "supautils there; ask Supabase's support to have it added.",
        },
      }];
    }
    if (is_loaded && hints && !restricts_versions) {
      return [{
        problem: "The server has a supautils (3.2.0 or 3.2.1) that ends it where somebody is " +
          "refused a function",
        why: "Whoever has the public key can end all connections with one request.",
        mend: {
          advice:
            "Upgrade the project, in its settings under Infrastructure; on a server of your " +
            "own, take supautils.hint_roles out of its configuration.",
        },
      }];
    }
    return [];
  },
};

/** The platform's event triggers and their functions. */
const PLATFORM_EVENT_TRIGGERS = new Map([
  ["ensure_rls", "public.rls_auto_enable()"],
  ["issue_graphql_placeholder", "extensions.set_graphql_placeholder()"],
  ["issue_pg_cron_access", "extensions.grant_pg_cron_access()"],
  ["issue_pg_graphql_access", "extensions.grant_pg_graphql_access()"],
  ["issue_pg_net_access", "extensions.grant_pg_net_access()"],
  ["pgrst_ddl_watch", "extensions.pgrst_ddl_watch()"],
  ["pgrst_drop_watch", "extensions.pgrst_drop_watch()"],
]);

/** Some of the platform's belong to postgres, depending on when the project was made. */
function isPlatforms(
  { name, owner, function: routine }: CatalogFacts["event_triggers"][number],
): boolean {
  const known = PLATFORM_EVENT_TRIGGERS.get(name);
  const isAdmins = /^supabase_\w*admin$/.test(owner);
  return known === undefined ? isAdmins : known === routine && (isAdmins || owner === "postgres");
}

const eventTriggers: Check = {
  id: "event-triggers",
  title: "no event triggers but the platform's run along with migrations",
  examine: ({ catalog }) => {
    const foreign = catalog.event_triggers.filter((trigger) =>
      !trigger.expected && !isPlatforms(trigger)
    );
    if (foreign.length === 0) return [];
    return [{
      problem: `Event triggers that are not the platform's run along with migrations: ${
        nameSome(foreign.map(({ name, event, function: routine, owner }) =>
          `${name} (${event}, ${routine}, of ${owner})`
        ))
      }`,
      why: "What they do happens inside of each migration, with its rights, and can make it fail.",
      mend: {
        advice: "Where one is yours and meant to be, say so: comment on event trigger NAME is " +
          "'supamigrate: expected'. Otherwise, as its owner:",
        sql: toSql(foreign.map(({ name }) => `alter event trigger ${name} disable;`)),
      },
    }];
  },
};

const pool: Check = {
  id: "pool",
  title: "the API's connections are clean",
  examine: ({ api, catalog }) => {
    const { session } = api ?? {};
    const count = (number: number, what: string) => number === 0 ? [] : [`${number} ${what}`];
    const left = session === undefined || session === null ? [] : [
      ...session.settings.map((name) => `${name} is set for the session`),
      ...count(session.advisory_locks, "advisory locks"),
      ...count(session.prepared_statements, "prepared statements"),
      ...count(session.cursors, "cursors WITH HOLD"),
      ...count(session.channels, "LISTENs"),
    ];
    const idle = catalog.api_sessions.filter(({ idle_in_transaction_ms: ms }) =>
      ms !== null && ms > LONG_IDLE_MS
    );
    const locking = catalog.api_sessions.filter(({ advisory_locks }) => advisory_locks > 0);
    const elsewhere = [...new Set([...idle, ...locking].map(({ pid }) => pid))];
    const findings = [];
    if (left.length > 0) {
      findings.push({
        problem: `An earlier request left something on the API's connection: ${nameSome(left)}`,
        why: "Connections are shared: it shows in other users' requests.",
        mend: {
          advice: "This connection is clean again, as every call of exec_sql leaves it. Look for " +
            "functions of your own that SET without LOCAL, or do not unlock. For new connections:",
          sql: NEW_CONNECTIONS,
        },
      });
    }
    if (elsewhere.length > 0) {
      findings.push({
        problem: `Connections of the API are not at rest: ${
          nameSome([
            ...idle.map(({ pid, idle_in_transaction_ms: ms }) =>
              `${pid} is idle in a transaction for ${formatDuration(ms!)}`
            ),
            ...locking.map(({ pid, advisory_locks }) =>
              `${pid} keeps ${advisory_locks} advisory locks`
            ),
          ])
        }`,
        why: "They keep locks, which migrations wait for.",
        mend: { sql: toSql(elsewhere.map((pid) => `select pg_terminate_backend(${pid});`)) },
      });
    }
    return findings;
  },
};

const clock: Check = {
  id: "clock",
  title: "the server's clock and this machine's agree",
  examine: ({ clockOffsetMs }) =>
    Math.abs(clockOffsetMs) <= CLOCK_TOLERANCE_MS ? [] : [{
      problem: `The server's clock is ${formatDuration(Math.abs(clockOffsetMs))} ${
        clockOffsetMs > 0 ? "ahead of" : "behind"
      } this machine's`,
      why:
        "Times in the history do not fit yours, and keys may count as expired. Locks go by the " +
        "server's clock alone.",
      mend: { advice: "Set this machine's clock (NTP), or the server's where it is your own." },
    }],
};

/** What the server, PostgREST and this machine may do to a migration. */
export const SERVER_CHECKS: readonly Check[] = [
  api,
  server,
  primary,
  timeouts,
  supautils,
  eventTriggers,
  pool,
  clock,
];
