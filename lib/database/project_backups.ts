/** The backups that Supabase makes of a hosted project, through the Management API. @module */

import { formatDuration } from "../duration.ts";
import { ConfigurationError } from "../errors.ts";
import { createRedactor } from "../redact.ts";
import { shorten } from "../shorten.ts";
import { MANAGEMENT_API } from "./management.ts";
import { refuseUnencrypted, type Target } from "./target.ts";

/** What {@linkcode findBackup} needs. */
export interface ProjectBackupOptions {
  readonly target: Target;
  /** The token, as `SUPABASE_ACCESS_TOKEN`. */
  readonly accessToken: string;
  /** Another host of the API. */
  readonly apiUrl?: string | undefined;
}

/** Older ones than this are none that a run could be undone with. */
const MOST_AGE_MS = 25 * 60 * 60_000;

/**
 * Finds what a project can be restored to: a restore point that is made now where the plan has them,
 * any moment where it has point-in-time recovery, or its newest backup.
 *
 * @param options The project, and the token.
 * @returns What it is, and how to restore it.
 * @throws {ConfigurationError} There is none, or it is more than a day old.
 */
export async function findBackup(
  { target, accessToken, apiUrl = MANAGEMENT_API }: ProjectBackupOptions,
): Promise<{ readonly description: string; readonly restore: string }> {
  refuseUnencrypted(new URL(apiUrl), "managementApiUrl");
  const redact = createRedactor([accessToken]);
  const ask: Asking = async (method, path, body) => {
    try {
      const response = await fetch(
        `${apiUrl}/v1/projects/${encodeURIComponent(target.name)}/database/backups${path}`,
        {
          method,
          redirect: "manual",
          headers: { authorization: `Bearer ${accessToken}`, "content-type": "application/json" },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
          signal: AbortSignal.timeout(30_000),
        },
      );
      return { status: response.status, text: redact(await response.text()) };
    } catch (error) {
      return { status: 0, text: redact((error as Error).message) };
    }
  };
  const page = `https://supabase.com/dashboard/project/${target.name}/database/backups`;
  // A name has 20 characters at most.
  const name = `sm-${new Date().toISOString().replace(/\D/g, "").slice(0, 14)}`;
  if (await makeRestorePoint(ask, name)) {
    return {
      description: `the project's restore point "${name}"`,
      restore: `Restore it in the dashboard: ${page}`,
    };
  }
  const listed = await ask("GET", "");
  if (listed.status !== 200 || read(listed) === null) {
    throw new ConfigurationError(
      `The Management API does not tell of the project's backups (HTTP ${listed.status}): ${
        shorten(listed.text, 200)
      }`,
      { hint: "Set DATABASE_URL, over which pg_dump makes one. Nothing was changed." },
    );
  }
  const { pitr_enabled: hasPitr, backups = [] } = read(listed) as {
    readonly pitr_enabled?: boolean;
    readonly backups?: readonly { readonly status: string; readonly inserted_at: string }[];
  };
  if (hasPitr) {
    return {
      description: `the project's point-in-time recovery, to ${new Date().toISOString()}`,
      restore: `Restore it in the dashboard: ${page}`,
    };
  }
  const times = backups.filter(({ status }) => status === "COMPLETED")
    .map(({ inserted_at: time }) => Date.parse(time)).filter((time) => !Number.isNaN(time));
  const ageMs = Date.now() - Math.max(...times);
  if (times.length === 0 || ageMs > MOST_AGE_MS) {
    throw new ConfigurationError(
      times.length === 0
        ? "The project has no backup of its own"
        : `The project's newest backup is ${formatDuration(ageMs)} old`,
      { hint: "Set DATABASE_URL, over which pg_dump makes one. Nothing was changed." },
    );
  }
  return {
    description: `the project's own of ${new Date(Math.max(...times)).toISOString()}, ${
      formatDuration(ageMs)
    } old: what came in since is not in it`,
    restore: `Restore it in the dashboard: ${page}`,
  };
}

/** An answer of the API; without one its status is 0. */
interface Answer {
  readonly status: number;
  readonly text: string;
}

type Asking = (method: string, path: string, body?: unknown) => Promise<Answer>;

/** How often it is asked whether a restore point is there, a second apart. */
const MOST_LOOKS = 60;

/**
 * Makes a restore point and waits until it is there.
 *
 * @returns Whether it is; false where the plan has none.
 * @throws {ConfigurationError} It was begun, and did not come to its end.
 */
async function makeRestorePoint(ask: Asking, name: string): Promise<boolean> {
  let answer = await ask("POST", "/restore-point", { name });
  if (answer.status !== 200 && answer.status !== 201) return false;
  for (let look = 0;; look++) {
    const { status = "unknown" } = read(answer) as { status?: string } | null ?? {};
    if (status === "AVAILABLE") return true;
    if (look === MOST_LOOKS || status === "FAILED" || status === "REMOVED") {
      throw new ConfigurationError(
        `The project's restore point "${name}" is not there: ${status.toLowerCase()}`,
        { hint: "Set DATABASE_URL, over which pg_dump makes a backup. Nothing was changed." },
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
    answer = await ask("GET", `/restore-point?name=${encodeURIComponent(name)}`);
  }
}

/** The JSON of an answer; null where it is none. */
function read({ text }: Answer): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
