/**
 * The SQL that puts supamigrate into a database, put together from `sql/`. Imported when it is
 * needed: a project that is up to date is migrated without it.
 *
 * @module
 */

import activitySql from "../../sql/activity.sql" with { type: "text" };
import adoptionSql from "../../sql/adoption.sql" with { type: "text" };
import apiReadySql from "../../sql/api_ready.sql" with { type: "text" };
import applicationSchemasSql from "../../sql/application_schemas.sql" with { type: "text" };
import applySql from "../../sql/apply.sql" with { type: "text" };
import batchesSql from "../../sql/batches.sql" with { type: "text" };
import catalogFactsSql from "../../sql/doctor/catalog.sql" with { type: "text" };
import lockFactsSql from "../../sql/doctor/lock.sql" with { type: "text" };
import logFactsSql from "../../sql/doctor/log.sql" with { type: "text" };
import otherDoorsFactsSql from "../../sql/doctor/other_doors.sql" with { type: "text" };
import sessionFactsSql from "../../sql/doctor/session.sql" with { type: "text" };
import doorSql from "../../sql/door.sql" with { type: "text" };
import dropApplicationSchemasSql from "../../sql/drop_application_schemas.sql" with {
  type: "text",
};
import eventTriggersSql from "../../sql/event_triggers.sql" with { type: "text" };
import execSqlSql from "../../sql/exec_sql.sql" with { type: "text" };
import failuresSql from "../../sql/failures.sql" with { type: "text" };
import fingerprintSql from "../../sql/fingerprint.sql" with { type: "text" };
import finishSql from "../../sql/finish.sql" with { type: "text" };
import guardSql from "../../sql/guard.sql" with { type: "text" };
import inspectSql from "../../sql/inspect.sql" with { type: "text" };
import ledgerSql from "../../sql/ledger.sql" with { type: "text" };
import lockSql from "../../sql/lock.sql" with { type: "text" };
import logSql from "../../sql/log.sql" with { type: "text" };
import outsideTransactionSql from "../../sql/outside_transaction.sql" with { type: "text" };
import pgCronSql from "../../sql/pg_cron.sql" with { type: "text" };
import outsideObjectsSql from "../../sql/outside_objects.sql" with { type: "text" };
import outcomesSql from "../../sql/outcomes.sql" with { type: "text" };
import partsSql from "../../sql/parts.sql" with { type: "text" };
import recordsSql from "../../sql/records.sql" with { type: "text" };
import runSql from "../../sql/run.sql" with { type: "text" };
import safetyCopiesSql from "../../sql/safety_copies.sql" with { type: "text" };
import definitionsSql from "../../sql/definitions.sql" with { type: "text" };
import putBackSql from "../../sql/put_back.sql" with { type: "text" };
import listCopiesSql from "../../sql/list_copies.sql" with { type: "text" };
import schemaSql from "../../sql/schema.sql" with { type: "text" };
import seedsSql from "../../sql/seeds.sql" with { type: "text" };
import serveSql from "../../sql/serve.sql" with { type: "text" };
import sessionSql from "../../sql/session.sql" with { type: "text" };
import stateSql from "../../sql/state.sql" with { type: "text" };
import stepsSql from "../../sql/steps.sql" with { type: "text" };
import uninstallSql from "../../sql/uninstall.sql" with { type: "text" };

/** Reads the version of a tracking schema that is there, and when it was put there. Always a row. */
export const READ_VERSION_SQL =
  "select max(schema_version) as schema_version, max(installed_at)::text as installed_at " +
  "from supamigrate.installation";

/** Installs or upgrades. Can be run again; has to be one transaction. */
export const INSTALL_SQL: string = [
  schemaSql,
  sessionSql,
  logSql,
  doorSql,
  guardSql,
  activitySql,
  apiReadySql,
  partsSql,
  lockSql,
  ledgerSql,
  recordsSql,
  eventTriggersSql,
  stepsSql,
  batchesSql,
  seedsSql,
  definitionsSql,
  safetyCopiesSql,
  putBackSql,
  listCopiesSql,
  failuresSql,
  runSql,
  outcomesSql,
  applySql,
  pgCronSql,
  outsideTransactionSql,
  applicationSchemasSql,
  outsideObjectsSql,
  dropApplicationSchemasSql,
  adoptionSql,
  fingerprintSql,
  stateSql,
  serveSql,
  execSqlSql,
  finishSql,
].join("\n");

/** {@linkcode INSTALL_SQL} as a script of its own, for a direct connection or the SQL editor. */
export const INSTALL_SCRIPT = asScript(INSTALL_SQL);

/** Finds out what an unknown database has under the name `exec_sql`. One row, `found`. */
export const INSPECT_SQL: string = inspectSql;

/** What `doctor` asks, each one row with one column, `result`. */
export const FACTS_SQL = {
  session: sessionFactsSql,
  catalog: catalogFactsSql,
  otherDoors: otherDoorsFactsSql,
  version: "select coalesce(max(schema_version), 0) as result from supamigrate.installation",
  lock: lockFactsSql,
  log: logFactsSql,
} as const;

/** Finds the histories of other tools, where there is none of this one. One row, `found`. */
export const FIND_HISTORIES_SQL = "select supamigrate.find_histories() as found";

/** Has `exec_sql` in another schema too. `$1` says which one, as `schema`. */
export const SHOW_DOOR_SQL = "select supamigrate.show_door($1) as result";

/** Takes everything out again. Has to be one transaction. */
export const UNINSTALL_SQL: string = uninstallSql;

/**
 * Wraps SQL into a transaction.
 *
 * @param sql The statements.
 * @returns A script that commits all of them or none.
 */
export function asScript(sql: string): string {
  return `begin;\n\n${sql}\ncommit;\n`;
}
