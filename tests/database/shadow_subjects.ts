// Defines the tests of what takes a shadow: how a schema is, and what that means.

import "./drift.ts";
import "./locks.ts";
import "./pull.ts";
import "./squash.ts";
import "./types.ts";
import "./verify.ts";
