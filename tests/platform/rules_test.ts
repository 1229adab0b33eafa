// In one file, so that they share the servers and the platform on each.
import "./bookings.ts";
import "./escalation.ts";
import "./money.ts";
import "./ratings.ts";
import "./schema_rules.ts";
