import assert from "node:assert/strict";
import * as api from "../mod.ts";

Deno.test("mod.ts exports what it promises, and nothing by accident", () => {
  assert.deepEqual(Object.keys(api).sort(), [
    "ConfigurationError",
    "InterruptedError",
    "LockHeldError",
    "LockLostError",
    "MigrationFileError",
    "SupamigrateError",
    "UnknownOutcomeError",
    "UnreachableError",
    "VERSION",
    "createMigrator",
    "installScript",
  ]);
});

Deno.test("a migrator has a method for each command", async () => {
  await using migrator = api.createMigrator({ embedded: true });
  const methods = Object.entries(migrator).filter(([, value]) => typeof value === "function");
  assert.deepEqual(methods.map(([name]) => name).sort(), [
    "adopt",
    "backups",
    "baseline",
    "cancel",
    "checkHealth",
    "close",
    "create",
    "diff",
    "doctor",
    "drift",
    "dropBackups",
    "fresh",
    "history",
    "install",
    "measureLocks",
    "migrate",
    "plan",
    "pull",
    "repair",
    "repairLedger",
    "report",
    "rollback",
    "seed",
    "squash",
    "status",
    "tables",
    "types",
    "uninstall",
    "unlock",
    "validate",
    "verify",
  ]);
});
