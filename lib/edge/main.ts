/**
 * The end of an edge function that `bundle` has made: what stands before it is the migrations.
 *
 * @module
 */

import type { PreparedMigrations } from "../operations/prepared.ts";
import { createHandler } from "./runtime.ts";

declare const MIGRATIONS: PreparedMigrations;

/** What Supabase's edge runtime has, and Deno has not. */
declare const EdgeRuntime: { waitUntil(work: Promise<unknown>): void } | undefined;

const platform = {
  read: (name: string) => Deno.env.get(name),
  waitUntil: (work: Promise<unknown>) => {
    if (typeof EdgeRuntime !== "undefined") EdgeRuntime.waitUntil(work);
  },
  log: (line: string) => globalThis.console.log(line),
};

Deno.serve(createHandler(MIGRATIONS, platform));
