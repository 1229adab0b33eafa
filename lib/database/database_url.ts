/**
 * `DATABASE_URL`: where it leads, and how it is connected to. Other clients write parameters of
 * their own into it, of which neither PostgreSQL nor its driver know.
 *
 * @module
 */

import { ConfigurationError } from "../errors.ts";
import { isLoopback, projectReference, type Target } from "./target.ts";

/** How to encrypt, as the driver takes it. */
export type Encryption = false | "prefer" | "require" | {
  /** Verifies the server's certificate: against these authorities, or those that are built in. */
  readonly ca?: string;
  /** What the certificate has to be for, where it is an address: the driver tells of names alone. */
  readonly host?: string;
  /** Left out where the host's name has to be the certificate's. */
  readonly checkServerIdentity?: () => undefined;
};

/** A `DATABASE_URL` that was read. */
export interface DatabaseAddress {
  /** The address for the driver, with the parameters that it knows. */
  readonly url: string;
  /** What its user calls the database. */
  readonly target: Target;
  /** The project's reference, where the address is that of a hosted project. */
  readonly reference: string | null;
  /** How long to try to connect, in seconds. */
  readonly connectTimeoutS: number;
  /**
   * Whether a pooler in transaction mode is there, by its port on Supabase: of two statements nobody
   * knows whether they have one session.
   */
  readonly poolsTransactions: boolean;
  /** How to encrypt. */
  readonly encrypt: () => Promise<Encryption>;
}

/** How long to try to connect, in seconds, unless `connect_timeout` says it. */
const CONNECT_TIMEOUT_S = 15;

/** What the server is told. */
const PASSED_ON = ["application_name", "options"];

/** What `target_session_attrs` may be for the driver. */
const SESSION_ATTRIBUTES = ["read-write", "read-only", "primary", "standby", "prefer-standby"];

/** libpq takes these from parameters too. Left out they would lead somewhere else. */
const DESTINATION = ["host", "hostaddr", "port", "user", "password", "dbname", "service"];

/**
 * Reads a `DATABASE_URL`.
 *
 * @param databaseUrl As `postgresql://user:password@host:5432/postgres`.
 * @returns Where it leads, and how.
 * @throws {ConfigurationError} It is no such address, or cannot be meant as it is written.
 */
export function parseDatabaseUrl(databaseUrl: string): DatabaseAddress {
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new ConfigurationError("DATABASE_URL does not begin with postgresql://", {
      hint:
        "Copy it from the project's settings under Database: the session pooler's works everywhere.",
    });
  }
  const [, authority = "", path = "", query = ""] =
    /^\w+:\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?/.exec(databaseUrl) ?? [];
  const rest = databaseUrl.slice(databaseUrl.indexOf("://") + 3 + authority.length);
  // A character that is not encoded ends the password early, and what follows it names a host.
  if (authority.split("@").length > 2 || rest.includes("@") || rest.includes("#")) throw noUrl();
  const hosts = readHosts(authority);
  const user = decode(/^([^:@]*)(?::[^@]*)?@/.exec(authority)?.[1] ?? "");
  decode(authority);
  if (hosts.some(({ name, port }) => !URL.canParse(`http://${name.replace(/^.*\//, "")}${port}`))) {
    throw noUrl();
  }

  const given = new URLSearchParams(query);
  const astray = DESTINATION.find((name) => given.has(name));
  if (astray !== undefined) {
    throw new ConfigurationError(`DATABASE_URL has a parameter "${astray}"`, {
      hint: "Write it as postgresql://USER:PASSWORD@HOST:5432/DATABASE.",
    });
  }
  const kept = new URLSearchParams();
  for (const name of PASSED_ON) {
    const value = given.get(name);
    if (value !== null && value !== "") kept.set(name, value);
  }
  const attributes = given.get("target_session_attrs") ?? "";
  if (SESSION_ATTRIBUTES.includes(attributes)) kept.set("target_session_attrs", attributes);
  const isLocal = hosts.every(({ name }) => isLoopback(name) || name.startsWith("/"));
  const reference = readReference(hosts, user);
  refusePoolerWithoutProject(hosts, user, given);
  return {
    url: `postgresql://${authority}${path}${kept.size === 0 ? "" : `?${kept}`}`,
    target: {
      kind: isLocal ? "local" : "project",
      name: reference ?? hosts[0]!.name,
      url: `postgresql://${hosts.map(({ name, port }) => name + port).join(",")}${path}`,
    },
    reference,
    connectTimeoutS: Number(/^\d+$/.exec(given.get("connect_timeout") ?? "")?.[0]) ||
      CONNECT_TIMEOUT_S,
    poolsTransactions: hosts.some(({ port }) => port === ":6543"),
    encrypt: chooseEncryption(given, isLocal, hosts),
  };
}

function noUrl(): ConfigurationError {
  // Without the reason: it quotes the address with its password.
  return new ConfigurationError("DATABASE_URL is not a URL", {
    hint: "Characters of the password such as # / ? @ % have to be percent-encoded: %23 for #.",
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw noUrl();
  }
}

interface Host {
  readonly name: string;
  /** With its colon, or nothing. */
  readonly port: string;
}

/** The hosts, of which there may be several; this machine where there is none. */
function readHosts(authority: string): Host[] {
  const hosts = authority.replace(/^.*@/, "").split(",").map((host) => {
    const [, name = "", port = ""] = /^(\[[^\]]*\]|[^:]*)(:\d*)?$/.exec(host) ?? [];
    if (name === "" && host !== "") throw noUrl();
    return { name: decode(name).toLowerCase() || "localhost", port: port === ":" ? "" : port };
  });
  return hosts;
}

/** Supabase names the project in the host of a direct connection, and in a pooler's user. */
function readReference(hosts: readonly Host[], user: string): string | null {
  const [host, ...others] = hosts;
  if (others.length > 0) return null;
  return isPooler(host!)
    ? /^[^.]+\.([a-z0-9]+)$/.exec(user)?.[1] ?? null
    : /^db\.([a-z0-9]+)\.supabase\.(?:co|in|red|net)$/.exec(host!.name)?.[1] ?? null;
}

function isPooler({ name }: Host): boolean {
  return /\.pooler\.supabase\.(?:com|co|in|red|net)$/.test(name);
}

/** The pooler serves all projects of a region: without a name it answers "Tenant or user not found". */
function refusePoolerWithoutProject(
  hosts: readonly Host[],
  user: string,
  given: URLSearchParams,
): void {
  if (!hosts.some(isPooler) || user.includes(".")) return;
  if (/\breference=/.test(given.get("options") ?? "")) return;
  throw new ConfigurationError("DATABASE_URL leads to a pooler, and its user names no project", {
    hint: "The user is postgres.REFERENCE there, such as postgres.abcdefghijklmnopqrst. Copy the " +
      "address from the project's settings under Database.",
  });
}

/** The words for yes and no of other clients' `ssl`. */
const SSL_WORDS: Readonly<Record<string, string>> = {
  true: "require",
  "1": "require",
  false: "disable",
  "0": "disable",
  "no-verify": "require",
};

/**
 * `sslmode` means what it means to libpq, with one exception: to another machine `allow` and
 * `prefer`, like nothing at all, do not end up without encryption.
 */
function chooseEncryption(
  given: URLSearchParams,
  isLocal: boolean,
  hosts: readonly Host[],
): () => Promise<Encryption> {
  const authority = given.get("sslrootcert") || null;
  const said = given.get("sslmode") ?? given.get("ssl") ??
    (authority === "system" ? "verify-full" : "");
  const mode = SSL_WORDS[said] ?? said;
  const address = hosts.length === 1 ? hosts[0]!.name.replace(/^\[(.*)\]$/, "$1") : "";
  const verify = async (): Promise<Encryption> => ({
    ...(/^[\d.]+$|:/.test(address) ? { host: address } : {}),
    ...(authority === null || authority === "system"
      ? {}
      : { ca: await readCertificate(authority) }),
    ...(mode === "verify-full" ? {} : { checkServerIdentity: () => undefined }),
  });
  switch (mode) {
    case "":
      return () => Promise.resolve(isLocal ? false : "require");
    case "disable":
      return () => Promise.resolve(false);
    case "allow":
    case "prefer":
      return () => Promise.resolve(isLocal ? "prefer" : "require");
    case "require":
      // libpq verifies where it is told of an authority.
      return authority === null ? () => Promise.resolve("require") : verify;
    case "verify-ca":
    case "verify-full":
      return verify;
    default:
      throw new ConfigurationError(`DATABASE_URL has an sslmode that nobody knows: "${said}"`, {
        hint: "It is one of disable, allow, prefer, require, verify-ca and verify-full.",
      });
  }
}

async function readCertificate(path: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new ConfigurationError(
      `Cannot read the sslrootcert of DATABASE_URL: ${(error as Error).message}`,
      { cause: error },
    );
  }
}

/**
 * Refuses settings that name different projects, as far as can be seen.
 *
 * @param target What `SUPABASE_URL` names.
 * @param address What `DATABASE_URL` names.
 * @throws {ConfigurationError} They name different ones.
 */
export function refuseOtherProject(target: Target, address: DatabaseAddress): void {
  const reference = URL.canParse(target.url) ? projectReference(new URL(target.url)) : undefined;
  if (reference === undefined || address.reference === null) return;
  if (reference !== address.reference) throw otherProject(target, address);
}

/**
 * The same where `DATABASE_URL` alone says which database is changed: a forgotten one, of this
 * machine, must not pass for the project.
 *
 * @param target What `SUPABASE_URL` names.
 * @param address What `DATABASE_URL` names.
 * @throws {ConfigurationError} They name different ones.
 */
export function refuseOtherMachine(target: Target, address: DatabaseAddress): void {
  refuseOtherProject(target, address);
  if (target.kind !== address.target.kind) throw otherProject(target, address);
}

function otherProject(target: Target, address: DatabaseAddress): ConfigurationError {
  return new ConfigurationError(
    `SUPABASE_URL names "${target.name}", and DATABASE_URL "${address.target.name}"`,
    { hint: "Take both from the same project, or unset the one that is not meant." },
  );
}
