/**
 * What supautils lets `postgres` do on hosted projects though it is no superuser, and what nothing
 * but being one allows here.
 *
 * @module
 */

import { SUPERUSER } from "../engine.ts";
import type { Session } from "../session.ts";
import { textOf } from "./text.ts";

const NEEDS_SUPERUSER = [
  /\b(create|alter|drop)\s+event\s+trigger\b/i,
  /\b(create|alter|drop)\s+foreign\s+data\s+wrapper\b/i,
  /\bpublication\b[^;]*\b(for\s+all\s+tables|tables\s+in\s+schema)\b/i,
];

/** Cheaper to look for than the above, which most calls have none of. */
const WORTH_A_LOOK = /event|foreign|publication/i;

/**
 * Runs a call; where its SQL holds such a statement, with `postgres` as a superuser meanwhile.
 *
 * @param session The session, in a transaction: what becomes of it becomes of this.
 * @param body The call.
 * @param run Runs it.
 */
export async function withPrivileges<Result>(
  session: Session,
  body: string,
  run: () => Promise<Result>,
): Promise<Result> {
  if (!WORTH_A_LOOK.test(body)) return await run();
  const sql = textOf(body);
  if (!NEEDS_SUPERUSER.some((statement) => statement.test(sql))) return await run();
  await asSuperuser(session, "alter role postgres superuser");
  const result = await run();
  await asSuperuser(session, "alter role postgres nosuperuser");
  return result;
}

/** Allowed whoever is logged in, as the session began as a superuser; a role may be set beside. */
async function asSuperuser(session: Session, sql: string): Promise<void> {
  await session.exec(
    `set local session authorization ${SUPERUSER}; set local role none; ${sql}; ` +
      "set local session authorization authenticator",
  );
}
