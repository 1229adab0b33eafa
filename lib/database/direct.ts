/**
 * A direct connection to the database: the functions of schema supamigrate are called as the role
 * that connects, past the API and past `exec_sql`.
 *
 * @module
 */

import type { Row as DriverRow, RowList, Sql } from "postgres";
import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import { createRedactor } from "../redact.ts";
import {
  CallError,
  type Channel,
  type OutsideSession,
  PINS,
  type Row,
  toResult,
  type Trouble,
  type WatchWay,
} from "./channel.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "./database_url.ts";
import { withLiteral } from "./literal.ts";
import { MessageBox } from "./messages.ts";

/**
 * What comes before every statement. A role, a database or a pooler's other client may have left
 * settings of its own.
 */
const BEGIN = `begin isolation level read committed read write;\n${PINS}`;

/**
 * What comes after it. A pooler gives the connection to somebody else at the end of the
 * transaction, so it is cleaned in there; and leave_clean() is not there before an installation.
 */
const CLEAN_UP = `
;
reset session authorization;
do $block$
begin
  if pg_catalog.to_regprocedure('supamigrate.leave_clean()') is not null then
    perform supamigrate.leave_clean();
  end if;
end
$block$;
`;

const TROUBLE: Trouble = {
  message: "No connection with DATABASE_URL",
  hint: "Check the password and the host. Direct connections of Supabase need IPv6: the session " +
    "pooler's URL works everywhere. A server without TLS, on another machine, needs " +
    "?sslmode=disable at the end of the URL.",
};

/** How a direct connection is used. */
export interface DirectOptions {
  /** The role that everything is done as, where it is not the one that connects; a plain name. */
  readonly role?: string;
}

/**
 * A direct connection to the database: encrypted, unless it is on this machine or the address
 * itself says otherwise.
 *
 * Each call is one message with all of its transaction, from BEGIN to COMMIT. So the server brings
 * to its end what it was sent, whether the client is still there or not, as PostgREST does; and a
 * pooler that gives connections away between two transactions has no occasion to.
 *
 * @param databaseUrl As `DATABASE_URL`: `postgresql://user:password@host:5432/postgres`.
 * @param timeoutMs How long an answer may take, in milliseconds, before it counts as lost.
 * @param options How it is used.
 * @returns The channel.
 * @throws {ConfigurationError} It is no such address.
 */
export function openDirectChannel(
  databaseUrl: string,
  timeoutMs: number,
  { role }: DirectOptions = {},
): Channel {
  const asRole = role === undefined ? "" : `set local role ${role};\n`;
  const address = parseDatabaseUrl(databaseUrl);
  const redact = createRedactor([databaseUrl]);
  const box = new MessageBox();
  let sql: Sql | undefined;
  let wasConnected = false;
  let gaveUp: CallError | undefined;
  const end = async (seconds: number) => {
    const ended = sql;
    sql = undefined;
    await ended?.end({ timeout: seconds });
  };

  const send = async (text: string): Promise<Row[]> => {
    if (gaveUp) throw gaveUp;
    try {
      sql ??= await connect(address, box);
      wasConnected = true;
      const rows = await ask(
        sql,
        `${BEGIN}${asRole}${text}${CLEAN_UP}commit`,
        timeoutMs,
        "no answer",
      );
      return takeLast(rows);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      const problem = toCallError(error, redact);
      if (problem.isAnswer) {
        // What the transaction did is undone, and what it left in the session is taken away.
        const isClean = sql !== undefined &&
          await ask(sql, `rollback${CLEAN_UP}`, timeoutMs, "").then(() => true, () => false);
        if (isClean) throw problem;
      }
      // Until it has noticed the end of its connection, the driver would take another query
      // and never answer it.
      await end(0);
      // Supabase bans addresses that come with a wrong password more than once.
      const isFinal = problem.code.startsWith("28") || (error instanceof Silence && !wasConnected);
      if (isFinal) gaveUp = problem;
      throw problem;
    }
  };

  // One connection has one transaction at a time.
  let before: Promise<unknown> = Promise.resolve();
  const inTurn = (text: string): Promise<Row[]> => {
    const turn = before.then(() => send(text));
    before = turn.catch(() => {});
    return turn;
  };

  return {
    name: "a direct connection",
    isPastApi: true,
    // There is no limit that matters, but what is sent at once is in memory several times.
    room: { whole: 2_000_000, part: 1_000_000 },
    reach: { silent: TROUBLE, strange: TROUBLE, refused: TROUBLE },
    call: async (statement, params = {}) =>
      toResult(await inTurn(withLiteral(statement, params)), "the database"),
    run: inTurn,
    ...(address.poolsTransactions ? {} : {
      openSession: (label) =>
        openSession(address, label, box, role).catch((error) => {
          throw toCallError(error, redact);
        }),
    }),
    openWatch: () => openWatch(address),
    takeMessages: box.take,
    close: () => end(5),
  };
}

/** SQLSTATE connection_failure. */
const CLOSED = "08006";

/** What went wrong, without what the driver's errors carry of what it was given. */
function toCallError(error: unknown, redact: (text: string) => string): CallError {
  const { code = "", message, detail = "", hint = "" } = error as Partial<CallError> & Error;
  // An error of the system may have five letters too (EPIPE), an SQLSTATE has digits.
  const isSqlState = /^(?=.*\d)[0-9A-Z]{5}$/.test(code);
  // The driver keeps what the server said last to itself where the server closes the connection.
  if (code === "CONNECTION_CLOSED" || code === "CONNECTION_ENDED") {
    return new CallError("the connection was closed", 0, CLOSED);
  }
  return isSqlState
    ? new CallError(redact(message), 0, code, redact(detail), redact(hint))
    : new CallError(redact(message), 0);
}

/** Connects. The driver would try for ever where something accepts connections and closes them. */
async function connect(
  address: DatabaseAddress,
  box: MessageBox,
  isSession = false,
): Promise<Sql> {
  const sql = await createDriver(address, box, isSession);
  try {
    const milliseconds = address.connectTimeoutS * 1000;
    await ask(sql, "select 1", milliseconds, "no server has let anybody in");
    return sql;
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

/** A list of lists where there were several statements, but those without rows are left out. */
function takeLast(rows: RowList<DriverRow[]>): Row[] {
  const last = Array.isArray(rows[0]) ? rows.at(-1) : rows;
  return [...last as Iterable<Row>];
}

/** How long an answer to a question about what runs may take, in milliseconds. */
const WATCH_TIMEOUT_MS = 10_000;

/** A connection of its own, from the first question on. */
function openWatch(address: DatabaseAddress): WatchWay {
  const redact = createRedactor([address.url]);
  let opening: Promise<Sql> | undefined;
  let sql: Sql | undefined;
  let isClosed = false;
  const open = async () => {
    const opened = await connect(address, new MessageBox());
    if (isClosed) await opened.end({ timeout: 0 });
    return sql = opened;
  };
  const close = async () => {
    isClosed = true;
    await sql?.end({ timeout: 0 });
  };
  return {
    everyMs: 1000,
    call: async (statement, params, signal) => {
      const stop = () => void close();
      signal.addEventListener("abort", stop, { once: true });
      try {
        const text = `${BEGIN}${withLiteral(statement, params)};\ncommit`;
        const rows = await ask(await (opening ??= open()), text, WATCH_TIMEOUT_MS, "no answer");
        return toResult(takeLast(rows), "the database");
      } catch (error) {
        await close();
        [opening, sql, isClosed] = [undefined, undefined, signal.aborted];
        throw toCallError(error, redact);
      } finally {
        signal.removeEventListener("abort", stop);
      }
    },
    close,
  };
}

/** Opens a connection whose statements are transactions of their own, and take their time. */
async function openSession(
  address: DatabaseAddress,
  label: string,
  box: MessageBox,
  role: string | undefined,
): Promise<OutsideSession> {
  const sql = await connect(address, box, true);
  const redact = createRedactor([address.url]);
  try {
    const [identity] = await sql.unsafe<{ pid: number; backend_start: string }[]>(
      `select pid, extract(epoch from backend_start)::text as backend_start
         from pg_catalog.pg_stat_activity where pid = pg_catalog.pg_backend_pid()`,
    );
    await sql.unsafe("set statement_timeout = 0");
    await sql.unsafe(withLiteral(
      "select pg_catalog.set_config('application_name', $1->>'name', false)",
      { name: `supamigrate ${label}`.slice(0, 63) },
    ));
    return {
      identity: { pid: identity!.pid, backend_start: identity!.backend_start },
      run: async (settings, statement) => {
        try {
          if (role !== undefined) await sql.unsafe(`set role ${role}`);
          for (const setting of settings) await sql.unsafe(setting);
          await sql.unsafe(statement);
        } catch (error) {
          throw toCallError(error, redact);
        }
      },
      close: () => sql.end({ timeout: 0 }),
    };
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
}

/** There was no answer in time. */
class Silence extends Error {}

/** Runs SQL, and ends the connection where there is no answer in time. */
async function ask(
  sql: Sql,
  text: string,
  milliseconds: number,
  silence: string,
): Promise<RowList<DriverRow[]>> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void sql.end({ timeout: 0 });
  }, milliseconds);
  try {
    return await sql.unsafe(text);
  } catch (error) {
    if (!isLate && (error as { code?: string }).code !== "CONNECT_TIMEOUT") throw error;
    throw new Silence(`${silence} for ${formatDuration(milliseconds)}`);
  } finally {
    clearTimeout(timer);
  }
}

async function createDriver(
  { url, connectTimeoutS, encrypt }: DatabaseAddress,
  box: MessageBox,
  isSession: boolean,
): Promise<Sql> {
  const { default: postgres } = await import("postgres");
  const sql = postgres(url, {
    max: 1,
    onnotice: box.add,
    ...(isSession
      ? {
        // The driver would connect anew for the next statement. But whoever has ended a session
        // counts on it that nothing comes over it any more.
        onclose: () => void sql.end({ timeout: 0 }),
        max_lifetime: null,
      }
      : {}),
    connect_timeout: connectTimeoutS,
    prepare: false,
    // The driver's own question. Where the connection breaks before the answer, nobody could
    // catch the error, and what is read here is text, numbers and JSON.
    fetch_types: false,
    connection: { application_name: "supamigrate" },
    // The driver hands an object on to the TLS library.
    ssl: await encrypt() as boolean | "prefer" | "require" | Record<string, unknown>,
  });
  return sql;
}
