import { freePort } from "../support/free_port.ts";
import { findProgram } from "../support/programs.ts";
import { openSession } from "../support/session.ts";
import { startWatched, type User } from "../support/watched_process.ts";

/** A pooler in transaction mode: it gives its one connection to whoever has a transaction. */
export interface Pooler extends AsyncDisposable {
  /** The database's address through it. */
  readonly databaseUrl: string;
  /** What is left on its connection to the database, as another client of it finds. */
  readLeftovers(): Promise<string[]>;
}

// It refuses to run as root.
const user: User = Deno.uid() === 0 ? { uid: 65534, gid: 65534 } : {};

/** Starts one before the database at an address. */
export async function startPgbouncer(databaseUrl: string): Promise<Pooler> {
  const program = await findProgram("pgbouncer");
  if (program === undefined) throw new Error("pgbouncer is not installed");
  const { hostname, port } = new URL(databaseUrl);
  const own = freePort();
  const settings = [
    "[databases]",
    `* = host=${hostname} port=${port}`,
    "[pgbouncer]",
    "listen_addr = 127.0.0.1",
    `listen_port = ${own}`,
    "unix_socket_dir =",
    "auth_type = trust",
    "auth_file = users",
    "pool_mode = transaction",
    "default_pool_size = 1",
    "",
  ].join("\n");
  const write = 'printf %s "$1" >settings; echo \'"postgres" ""\' >users; exec "$2" settings';
  const process = await startWatched({
    ...user,
    command: ["sh", "-c", write, "sh", settings, program],
    endSignal: "KILL",
  });
  await process.logged("process up");

  const url = new URL(databaseUrl);
  url.port = `${own}`;
  return {
    // As Prisma has it. pgbouncer refuses parameters that it does not know.
    databaseUrl: `${url.href}?pgbouncer=true&connection_limit=1&schema=public`,
    async readLeftovers() {
      await using session = await openSession(url.href);
      const rows = await session.sql(`
        select 'setting ' || name || ' = ' || setting as leftover
          from pg_settings
         where source = 'session' and setting <> reset_val
           and name not in ('client_encoding', 'application_name', 'transaction_isolation')
        union all
        select 'role ' || current_user where current_user <> session_user
        union all
        select 'temporary table ' || relname from pg_class
         where relpersistence = 't' and relkind = 'r' and relnamespace = pg_my_temp_schema()
        union all
        select 'prepared statement ' || name from pg_prepared_statements where from_sql
        union all
        select 'cursor ' || name from pg_cursors where is_holdable
        union all
        select 'listens to ' || channel from pg_listening_channels() channel
        union all
        select 'advisory lock ' || objid from pg_locks
         where locktype = 'advisory' and pid = pg_backend_pid()`);
      return rows.map(({ leftover }) => String(leftover));
    },
    [Symbol.asyncDispose]: () => process.release(),
  };
}
