/**
 * Shadows on a PostgreSQL server, in place of the embedded database: each is a database of its own
 * there, which is dropped in the end. No other database is changed, and of the server's roles those
 * alone are made that are missing.
 *
 * @module
 */

import examineSql from "../../sql/shadow/server.sql" with { type: "text" };
import { ABILITIES, type Channel, type OutsideSession } from "../database/channel.ts";
import { INSTALL_SQL } from "../database/bootstrap.ts";
import { type DatabaseAddress, parseDatabaseUrl } from "../database/database_url.ts";
import { openDirectChannel } from "../database/direct.ts";
import { explaining } from "../database/explain.ts";
import type { Target } from "../database/target.ts";
import { ConfigurationError } from "../errors.ts";
import { readCatalogue } from "./catalogue.ts";
import { SERVER_ROLES_SQL, writeServerPlatform } from "./server_platform.ts";
import type { Shadow } from "./shadow.ts";

/** How long one step on a shadow may take, in milliseconds. */
const TIMEOUT_MS = 600_000;

/** Older ones lack what Supabase's platform has. */
const LEAST_VERSION = 150_000;

/** What a shadow on a server has to know. */
export interface ServerShadowOptions {
  /** The server, as `postgresql://superuser@localhost:5432`. */
  readonly url: string;
  /** The project, whose own server is none for shadows. */
  readonly target: Target;
  /** The project's database, where its address is known. */
  readonly databaseUrl?: string | undefined;
  /** Told what is left on the server, and what was left there before. */
  readonly notice: (message: string) => void;
}

/**
 * Reads the address of a server for shadows, and refuses what must not be one.
 *
 * @param options The address, and the project.
 * @throws {ConfigurationError} It is no address, or that of a project.
 */
export function parseShadowUrl(
  { url, target, databaseUrl }: Omit<ServerShadowOptions, "notice">,
): DatabaseAddress {
  const address = calledShadow(() => parseDatabaseUrl(url));
  const refuse = (reason: string) => {
    throw new ConfigurationError(`The shadow cannot be made on ${address.target.name}: ${reason}`, {
      hint: "Name a server where databases may be made and dropped, such as one in a container: " +
        "--shadow postgresql://postgres@localhost:5432.",
    });
  };
  if (address.reference !== null) refuse("it is a hosted project");
  if (address.poolsTransactions) refuse("a pooler is there");
  if (address.target.kind === "local") return address;
  const hostOf = (of: string) => URL.canParse(of) ? new URL(of).hostname.toLowerCase() : undefined;
  const own = [target.url, ...(databaseUrl === undefined ? [] : [databaseUrl])].map(hostOf);
  if (own.includes(hostOf(address.url))) refuse("it is the project's own server");
  return address;
}

/** Messages speak of the setting that everybody has a database's address in. */
function calledShadow<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw renamed(error);
  }
}

function renamed(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.includes("DATABASE_URL")) return error;
  return new ConfigurationError(error.message.replaceAll("DATABASE_URL", "--shadow"), {
    hint: "It is written as postgresql://USER@HOST:5432; a password goes into MIGRATION_SHADOW.",
  });
}

/**
 * Makes a shadow on a server.
 *
 * @param options Which server.
 * @returns The shadow, with supamigrate installed.
 * @throws {ConfigurationError} The server is not fit.
 */
export async function openServerShadow(options: ServerShadowOptions): Promise<Shadow> {
  const { url } = parseShadowUrl(options);
  const admin = explaining(openDirectChannel(url, TIMEOUT_MS));
  let session: OutsideSession | undefined;
  let channel: Channel | undefined;
  let name: string | undefined;
  let server: Server;
  const close = async () => {
    await channel?.close();
    try {
      if (name !== undefined && session !== undefined) {
        await session.run([], `drop database if exists ${name} with (force)`);
      }
    } catch (error) {
      options.notice(`${name} is left on the shadow's server: ${(error as Error).message}`);
    }
    await session?.close();
    await admin.close();
  };
  try {
    server = await examine(admin, options);
    session = await admin.openSession!("shadow");
    const made = `supamigrate_shadow_${Math.floor(Date.now() / 1000)}_${randomHex()}`;
    await session.run([], `create database ${made} template template0 encoding 'UTF8'`);
    name = made;
    await session.run([], `alter database ${made} owner to postgres`);
    await session.run([], `alter database ${made} set search_path = "$user", public, extensions`);
    const own = withDatabase(url, made);
    const platform = openDirectChannel(own, TIMEOUT_MS);
    try {
      await platform.run(`${writeServerPlatform(server.hasVault)};\nreset role`);
    } finally {
      await platform.close();
    }
    channel = openDirectChannel(
      own,
      TIMEOUT_MS,
      server.user === "postgres" ? {} : {
        role: "postgres",
      },
    );
    await channel.run(INSTALL_SQL);
  } catch (error) {
    await close();
    throw renamed(error);
  }
  const opened = channel;
  return {
    target: { kind: "embedded", name: "the shadow", url: `the shadow database ${name}` },
    channel: opened,
    can: ABILITIES.direct,
    major: server.major,
    what: "It is a database of its own on the server of --shadow",
    run: async (sql) => {
      await opened.run(sql);
    },
    read: () => readCatalogue((sql) => opened.run(sql)),
    standIns: () => [],
    [Symbol.asyncDispose]: close,
  };
}

interface Server {
  readonly user: string;
  readonly major: number;
  /** An extension of the server brings the vault. */
  readonly hasVault: boolean;
}

/** Looks whether a server is fit, and makes the roles that it lacks. */
async function examine(
  admin: Channel,
  { notice }: ServerShadowOptions,
): Promise<Server> {
  const [found] = await admin.run(examineSql);
  const { user, is_superuser, version, shown_version, in_recovery, has_vault, left_over } = found!;
  const refuse = (reason: string, hint: string) => {
    throw new ConfigurationError(`The server of --shadow is not fit: ${reason}`, { hint });
  };
  if (in_recovery) refuse("it is a replica", "Name one that can be written to.");
  if (Number(version) < LEAST_VERSION) {
    refuse(`it is PostgreSQL ${shown_version}`, "Supabase has 15 and 17: take the project's.");
  }
  if (!is_superuser) {
    refuse(
      `${user} is no superuser there`,
      "A project's roles and extensions are made by one: supabase_admin on a local Supabase " +
        "stack, postgres on a server in a container.",
    );
  }
  for (const name of left_over as string[]) {
    notice(
      `${name} was left on the shadow's server by a run that was killed: drop database ${name};`,
    );
  }
  const [roles] = await admin.run(
    `${SERVER_ROLES_SQL};\nselect current_setting('supamigrate.roles_made') as made`,
  );
  if (roles!.made !== "") {
    notice(`Roles were made on the shadow's server, and stay for the next time: ${roles!.made}`);
  }
  return {
    user: String(user),
    major: Math.floor(Number(version) / 10_000),
    hasVault: has_vault === true,
  };
}

function withDatabase(url: string, name: string): string {
  return url.replace(/^(\w+:\/\/[^/?]*)[^?]*/, `$1/${name}`);
}

function randomHex(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 12);
}
