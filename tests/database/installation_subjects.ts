// Defines the tests of what is installed, by whom, and how doctor sees it.

import "./breaches.ts";
import "./channels.ts";
import "./doctor.ts";
import "./door.ts";
import "./dumps.ts";
import "./exec_sql.ts";
import "./foreign_exec_sql.ts";
import "./guard.ts";
import "./install.ts";
import "./install_faults.ts";
import "./odd_settings.ts";
import "./places.ts";
import "./shown_schemas.ts";
import "./upgrade.ts";
