/** Says what is wrong where a call fails, and what to do. @module */

import { ConfigurationError, UnreachableError } from "../errors.ts";
import { readShownSchemas } from "./api.ts";
import { CallError, type Channel, isConnectionTrouble } from "./channel.ts";

const HOW_TO_INSTALL = `Install it in one of three ways:
  supamigrate install --print                  prints SQL to paste into the SQL editor
  DATABASE_URL=… supamigrate install           over a direct connection
  SUPABASE_ACCESS_TOKEN=… supamigrate install  over HTTPS (Management API)`;

/**
 * Turns a failed call into what its reader needs: what is wrong, and what to do.
 *
 * @param error What a call threw.
 * @param channel Over which channel.
 * @returns The error to throw.
 */
export function explainCallError(
  error: unknown,
  { reach, isPastApi }: Pick<Channel, "reach" | "isPastApi">,
): unknown {
  if (!(error instanceof CallError)) return error;
  const { status, code, message } = error;
  const cause = error;
  if (error.isTooLarge) {
    return new ConfigurationError(
      "The gateway before the project lets nothing of this size through (HTTP 413), not even in parts",
      { hint: "Have it take bodies of 64 KB at least, or use --via direct.", cause },
    );
  }
  // PostgREST says PGRST202 once it has noticed, and passes on 42883 until then.
  if (code === "PGRST202" || (code === "42883" && /\bexec_sql\(/.test(message))) {
    const own = /public\.exec_sql\([^)]*\)/.exec(error.hint)?.[0];
    return new ConfigurationError(
      own === undefined
        ? "The project has no function exec_sql yet"
        : `The project has an exec_sql of its own, ${own}, which is not supamigrate's`,
      { hint: HOW_TO_INSTALL, cause },
    );
  }
  if (code === "PGRST106") {
    const shown = readShownSchemas(error);
    return new ConfigurationError(
      "The project's API does not show the schema public, where exec_sql is",
      {
        hint:
          `${
            shown.length === 0 ? "" : `It shows ${shown.join(", ")}. `
          }Have exec_sql in one that ` +
          "it shows: supamigrate install --schema NAME, with DATABASE_URL or " +
          "SUPABASE_ACCESS_TOKEN set. Or add public to the exposed schemas: in the project's settings " +
          "under Data API, or in PGRST_DB_SCHEMAS where you run PostgREST yourself.",
        cause,
      },
    );
  }
  if (code === "PGRST203") {
    return new ConfigurationError(
      "The project has several functions exec_sql, and PostgREST cannot choose",
      {
        hint: "supamigrate install shows them, and with --replace keeps supamigrate's alone.",
        cause,
      },
    );
  }
  if (code === "3F000" && /supamigrate/.test(message) && isPastApi) {
    return new ConfigurationError("supamigrate is not installed in the project", {
      hint: HOW_TO_INSTALL,
      cause,
    });
  }
  if ((code === "3F000" || code === "42883" || code === "42P01") && /supamigrate/.test(message)) {
    return new ConfigurationError(`The project's tracking schema is not complete: ${message}`, {
      hint: "supamigrate install puts it back. If its tables are gone, so is the history: " +
        "record what is applied with supamigrate baseline NAME before you migrate.",
      cause,
    });
  }
  const refused = code === "42501"
    ? /\bexec_sql\b/.test(message)
    : status === 401 || status === 403;
  if (refused || /^PGRST30/.test(code)) {
    return new ConfigurationError(`${reach.refused.message}: ${message}`, {
      hint: code === "42501"
        ? "Only service_role may call exec_sql: SUPABASE_SERVICE_KEY has to be its key."
        : reach.refused.hint,
      cause,
    });
  }
  // A standby takes no transaction that is to write, which is said before anything can be read.
  if (code === "0A000" && /during recovery/.test(message)) {
    return new ConfigurationError("The database is a read replica", {
      hint: "Use the address of the primary database.",
      cause,
    });
  }
  if (code === "SM002") {
    return new ConfigurationError(message, {
      hint: "supamigrate doctor says what is wrong and how to mend it.",
      cause,
    });
  }
  if (code === "" && status !== 0 && status < 500 && status !== 429) {
    return new UnreachableError(`${reach.strange.message}: ${message}`, {
      hint: reach.strange.hint,
      cause,
    });
  }
  // 28: the role may not connect, or with another password.
  if (code === "" || isConnectionTrouble(code) || code.startsWith("28")) {
    return new UnreachableError(`${reach.silent.message}: ${message}`, {
      hint: reach.silent.hint,
      cause,
    });
  }
  if (!error.isRefusal) {
    return new UnreachableError(`The database could not do it now: ${message} (${code})`, {
      hint: code === "55P03"
        ? "Another session keeps a table of supamigrate locked: pg_locks shows which. Running the " +
          "command again is safe."
        : "Running the command again is safe.",
      cause,
    });
  }
  return new ConfigurationError(`The database refused: ${message} (${code})`, {
    ...(error.hint === "" ? {} : { hint: error.hint }),
    cause,
  });
}

/**
 * A channel whose errors are {@link explainCallError|explained}, for those who run scripts over it.
 *
 * @param channel The channel.
 */
export function explaining(channel: Channel): Channel {
  return {
    ...channel,
    run: async (sql) => {
      try {
        return await channel.run(sql);
      } catch (error) {
        throw explainCallError(error, channel);
      }
    },
  };
}
