// Defines all tests of the database. Which databases they run on, the test files say.

import "./breaches.ts";
import "./clean_connection.ts";
import "./contents.ts";
import "./doctor.ts";
import "./door.ts";
import "./exec_sql.ts";
import "./failure.ts";
import "./faults.ts";
import "./foreign_exec_sql.ts";
import "./fresh.ts";
import "./fresh_drop_schema.ts";
import "./guard.ts";
import "./install.ts";
import "./install_faults.ts";
import "./lock.ts";
import "./log.ts";
import "./migrate.ts";
import "./protocol.ts";
import "./reasons.ts";
import "./records.ts";
import "./rollback.ts";
import "./secrets.ts";
import "./transactions.ts";
import "./upgrade.ts";
