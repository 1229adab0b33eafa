/**
 * A database in memory that is shaped like the live project: what migrations make there is what
 * they would make here.
 *
 * @module
 */

import { createRpcClient, openApiChannel } from "../database/api.ts";
import { ABILITIES, type Channel } from "../database/channel.ts";
import type { Target } from "../database/target.ts";
import type { Abilities } from "../planning/session_settings.ts";
import { openForMigrations, openSessionOf } from "../embedded/migrations.ts";
import { type Catalogue, readCatalogue } from "./catalogue.ts";

/** Opens a shadow that has no migrations yet. */
export type OpenShadow = () => Promise<Shadow>;

/** A shadow. Close it when done, or hold it with `await using`. */
export interface Shadow extends AsyncDisposable {
  /** What messages call it. */
  readonly target: Target;
  /** How operations reach it. */
  readonly channel: Channel;
  /** What can be done over it. */
  readonly can: Abilities;
  /** The major version of its PostgreSQL. */
  readonly major: number;
  /** What it is, as a sentence begins. */
  readonly what: string;
  /** Runs SQL beside the history, in one transaction. */
  run(sql: string): Promise<void>;
  /** Reads what it has. */
  read(): Promise<Catalogue>;
  /** Pieces of the platform that were used and are not the real ones. */
  standIns(): readonly string[];
}

/** Said by the engine, which is loaded when one is opened. */
const EMBEDDED_MAJOR = 18;

const TARGET: Target = { kind: "embedded", name: "the shadow", url: "the shadow database" };

/**
 * Opens a shadow.
 *
 * @returns The shadow, with supamigrate installed.
 */
export async function openShadow(): Promise<Shadow> {
  const standIns: string[] = [];
  const database = await openForMigrations({ onStandIn: ({ name }) => standIns.push(name) });
  try {
    const channel = openApiChannel({
      target: TARGET,
      timeoutMs: 600_000,
      client: await createRpcClient(database.url, database.serviceKey, database.fetch),
      takeMessages: () => database.takeMessages(),
      openSession: () => Promise.resolve(openSessionOf(database)),
    });
    return {
      target: TARGET,
      channel,
      can: ABILITIES.embedded,
      major: EMBEDDED_MAJOR,
      what: `It is an embedded PostgreSQL ${EMBEDDED_MAJOR}`,
      run: async (sql) => {
        await channel.run(sql);
      },
      read: () => readCatalogue((sql) => channel.run(sql)),
      standIns: () => standIns,
      [Symbol.asyncDispose]: () => database.close(),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
