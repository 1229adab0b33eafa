// Defines the tests of what takes a shadow: how a schema is, and what that means.

import "./buckets.ts";
import "./drift.ts";
import "./locks.ts";
import "./pull.ts";
import "./server_shadow.ts";
import "./squash.ts";
import "./types.ts";
import "./verify.ts";
