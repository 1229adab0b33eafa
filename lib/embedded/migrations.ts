/** The embedded database with supamigrate installed in it. @module */

import { INSTALL_SQL } from "../database/bootstrap.ts";
import { CallError, type OutsideSession } from "../database/channel.ts";
import { type EmbeddedDatabase, openEmbedded } from "./open.ts";

/**
 * Opens the embedded database and installs `exec_sql` and the tracking schema where they are
 * missing.
 *
 * @param path The folder; in memory where it is left out.
 * @returns The database.
 */
export async function openForMigrations(path?: string): Promise<EmbeddedDatabase> {
  const embedded = await openEmbedded(path === undefined ? {} : { path });
  try {
    const [row] = await embedded.query(
      "select to_regclass('supamigrate.installation') is not null as installed",
    );
    if (row?.installed === true) {
      // Nobody else has the folder open: a lock that is held belongs to a run that was killed.
      await embedded.query(
        `select supamigrate.unlock(jsonb_build_object('generation', generation, 'holder', $1::text))
           from supamigrate.migration_lock where is_locked`,
        ["the embedded database, opened again"],
      );
    } else {
      await embedded.exec(`begin;\n${INSTALL_SQL}\ncommit;`);
    }
    return embedded;
  } catch (error) {
    await embedded.close();
    throw error;
  }
}

/**
 * A session of the embedded database, where statements run outside a transaction. It ends with this
 * process, as everything in it does.
 *
 * @param embedded The database.
 * @returns The session.
 */
export function openSessionOf(embedded: EmbeddedDatabase): OutsideSession {
  return {
    identity: null,
    run: async (settings, statement) => {
      try {
        for (const sql of [...settings, statement]) await embedded.exec(sql);
      } catch (error) {
        const { message, code = "XX000", detail, hint } = error as Partial<CallError> & Error;
        throw new CallError(message, 0, code, detail, hint);
      } finally {
        await embedded.exec("reset all");
      }
    },
    close: () => Promise.resolve(),
  };
}
