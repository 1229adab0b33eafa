/** Brings the platform of a database that an earlier version made up to date. @module */

import type { Session } from "../session.ts";
import { digest } from "../image.ts";
import { BEFORE_UPGRADE_SQL, UPGRADE_SQL } from "./schemas.ts";

/** Which version of the platform a database has after {@linkcode upgrade}. */
export async function platformVersion(): Promise<string> {
  return await digest([BEFORE_UPGRADE_SQL, UPGRADE_SQL]);
}

/**
 * Adds what is missing. All of it or nothing.
 *
 * @param session A session of the superuser.
 * @returns Why it could not be done; undefined where it was.
 */
export async function upgrade(session: Session): Promise<string | undefined> {
  try {
    await session.exec(BEFORE_UPGRADE_SQL);
    await session.exec(`begin;\n${UPGRADE_SQL}\ncommit;`);
    return undefined;
  } catch (error) {
    await session.exec("rollback");
    return error instanceof Error ? error.message : String(error);
  }
}
