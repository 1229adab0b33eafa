import type { ServerProject } from "../support/projects.ts";
import { until } from "../support/until.ts";

/** A statement for migrations that are to wait until a test lets them go on. */
export const passGate = "select pg_advisory_xact_lock(20250726);";

/** What migrations with {@linkcode passGate} wait at. */
export interface Gate extends AsyncDisposable {
  /** Resolves when a migration waits there, to the id of its backend. */
  reached(): Promise<number>;
  /** Lets all go on, now and later. */
  open(): Promise<void>;
}

/** Closes the gate of a database. */
export async function closeGate(
  project: Pick<ServerProject, "connect" | "sql">,
): Promise<Gate> {
  const session = await project.connect();
  await session.sql("select pg_advisory_lock(20250726)");
  return {
    async reached() {
      let waiting: Record<string, unknown>[] = [];
      await until("a migration to wait at the gate", async () => {
        waiting = await project.sql(`
          select pid from pg_locks
           where locktype = 'advisory' and objid = 20250726 and not granted
             and database = (select oid from pg_database where datname = current_database())
        `);
        return waiting.length > 0;
      });
      return Number(waiting[0]?.pid);
    },
    open: async () => void await session.sql("select pg_advisory_unlock_all()"),
    [Symbol.asyncDispose]: async () => await session[Symbol.asyncDispose](),
  };
}
