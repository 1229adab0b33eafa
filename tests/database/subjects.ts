// Defines the tests of the database, but for those of installation_subjects.ts and
// shadow_subjects.ts, which run beside them. Which databases they run on, the test files say.

import "./adopt.ts";
import "./as_psql.ts";
import "./backups.ts";
import "./clean_connection.ts";
import "./contents.ts";
import "./cursors.ts";
import "./endings.ts";
import "./failure.ts";
import "./faults.ts";
import "./files.ts";
import "./fresh.ts";
import "./fresh_drop_schema.ts";
import "./ledger.ts";
import "./limits.ts";
import "./lock.ts";
import "./log.ts";
import "./messages.ts";
import "./migrate.ts";
import "./on_drift.ts";
import "./outside_transaction.ts";
import "./plan_file.ts";
import "./protocol.ts";
import "./reasons.ts";
import "./records.ts";
import "./report.ts";
import "./rollback.ts";
import "./safety_copies.ts";
import "./secrets.ts";
import "./seeds.ts";
import "./select_into.ts";
import "./session_settings.ts";
import "./steps.ts";
import "./transactions.ts";
import "./vouched.ts";
import "./watch.ts";
