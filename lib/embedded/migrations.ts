/** The embedded database with supamigrate installed in it. @module */

import { INSTALL_SQL } from "../database/bootstrap.ts";
import { CallError, type OutsideSession } from "../database/channel.ts";
import { type EmbeddedDatabase, openEmbedded, type OpenEmbeddedOptions } from "./open.ts";

/** What was installed when the image was made is as good as installed now, and may say so. */
const BEGIN_NOW = `
  update supamigrate.installation set installed_at = now();
  update supamigrate.migration_lock set generation = extract(epoch from now()) * 1000`;

/**
 * Opens the embedded database and installs `exec_sql` and the tracking schema where they are
 * missing.
 *
 * @param options The folder, and what to tell.
 * @returns The database.
 */
export async function openForMigrations(
  options: OpenEmbeddedOptions = {},
): Promise<EmbeddedDatabase> {
  const embedded = await openEmbedded({ ...options, setup: INSTALL_SQL });
  try {
    if (embedded.isNew) await embedded.exec(BEGIN_NOW);
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

/** What a migrator tells while the embedded database is in use. */
export type EmbeddedNews =
  | { readonly type: "preparing"; readonly what: string }
  | { readonly type: "notice"; readonly message: string };

/**
 * What to hand to {@linkcode openForMigrations}, so that the news reach who runs the migrations.
 *
 * @param tell Told of it.
 */
export function telling(tell: (news: EmbeddedNews) => void): OpenEmbeddedOptions {
  const notice = (message: string) => tell({ type: "notice", message });
  return {
    onCreate: () => tell({ type: "preparing", what: "Making the embedded database" }),
    onStandIn: ({ name, here }) =>
      notice(`The embedded database has a stand-in for ${name}: ${here}`),
    onStale: (reason) =>
      notice(
        "The embedded database was made by an earlier version, and could not be brought up to " +
          `date with the platform (${reason}). It goes on with what it has`,
      ),
  };
}
