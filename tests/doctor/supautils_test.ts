import assert from "node:assert/strict";
import type { Facts, SessionFacts } from "../../lib/doctor/facts.ts";
import { SERVER_CHECKS } from "../../lib/doctor/server.ts";

// No server of the tests has supautils: what sql/doctor/session.sql says of those that have it.

/** What the check finds in what it looks at. */
function examine(supautils: SessionFacts["supautils"]): string[] {
  const check = SERVER_CHECKS.find(({ id }) => id === "supautils")!;
  const facts = { api: { problem: null, session: { supautils } } } as unknown as Facts;
  const outcome = check.examine(facts);
  assert.ok(typeof outcome !== "string");
  return outcome.map(({ problem }) => problem);
}

const current = { is_configured: true, is_loaded: true, hints: true, restricts_versions: true };
const without = { is_configured: true, is_loaded: false, hints: true, restricts_versions: false };

Deno.test("doctor() warns of a supautils that ends the server", () => {
  const [problem] = examine({ ...current, restricts_versions: false });
  assert.match(problem!, /supautils \(3\.2\.0 or 3\.2\.1\) that ends it/);
});

Deno.test("doctor() warns of no other supautils", () => {
  assert.deepEqual(examine(current), []);
  assert.deepEqual(examine({ ...current, hints: false, restricts_versions: false }), []);
  assert.deepEqual(
    examine({ is_configured: false, is_loaded: false, hints: false, restricts_versions: false }),
    [],
  );
});

Deno.test("doctor() knows nothing of the version where the API's connections have none", () => {
  assert.deepEqual(examine(without), [
    "The API's connections are without supautils, which the server is configured for",
  ]);
});
