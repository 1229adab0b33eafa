/**
 * An edge function that brings its project up to date. It has no folder to read: the migrations
 * are part of the function. Call it from a deploy workflow with the service role's key.
 *
 * @module
 */

import { createMigrator } from "@supamigrate/supamigrate";
import { migrations } from "./migrations.ts";

/** Applies what is pending, for callers that have the service role's key. */
export async function handle(request: Request): Promise<Response> {
  const serviceKey = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY") ?? "";
  if (serviceKey === "" || request.headers.get("authorization") !== `Bearer ${serviceKey}`) {
    return Response.json({ error: "Not allowed" }, { status: 401 });
  }
  await using migrator = createMigrator({
    supabaseUrl: Deno.env.get("SUPABASE_URL") ?? "",
    serviceKey,
    migrations,
    holder: "edge function migrate",
    // An edge function may idle for 150 s: one request must not wait longer than that.
    requestTimeoutMs: 120_000,
  });
  const { success, migrationsRun, results } = await migrator.migrate();
  return Response.json({ success, migrationsRun, results }, { status: success ? 200 : 500 });
}

if (import.meta.main) Deno.serve(handle);
