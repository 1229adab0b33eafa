import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { parseDatabaseUrl } from "../../lib/database/database_url.ts";
import { openDirectChannel } from "../../lib/database/direct.ts";
import { findAbilities } from "../../lib/ways.ts";
import { createMigrator, type MigratorOptions } from "../../mod.ts";
import { type Certificate, makeCertificate } from "../support/certificate.ts";

const REF = "abcdefghijklmnopqrst";
const OTHER = "tsrqponmlkjihgfedcba";
const HOST = `db.${REF}.supabase.co`;
const POOLER = "aws-0-eu-central-1.pooler.supabase.com";
const PASSWORD = "canary-9f2c";

const names: Record<string, { name: string; kind: "project" | "local" }> = {
  [`postgresql://postgres:${PASSWORD}@${HOST}:5432/postgres`]: { name: REF, kind: "project" },
  [`postgres://postgres:${PASSWORD}@${HOST}:6543/postgres`]: { name: REF, kind: "project" },
  [`postgresql://postgres.${REF}:${PASSWORD}@${POOLER}:6543/postgres`]: {
    name: REF,
    kind: "project",
  },
  [`postgresql://prisma.${REF}:${PASSWORD}@${POOLER}:5432/postgres`]: {
    name: REF,
    kind: "project",
  },
  [`postgresql://postgres:${PASSWORD}@${HOST.toUpperCase()}/postgres`]: {
    name: REF,
    kind: "project",
  },
  [`postgresql://postgres:${PASSWORD}@db.example.com/postgres`]: {
    name: "db.example.com",
    kind: "project",
  },
  [`postgresql://postgres.${OTHER}:${PASSWORD}@pooler.example.com/postgres`]: {
    name: "pooler.example.com",
    kind: "project",
  },
  [`postgresql://postgres:${PASSWORD}@db.${REF}.supabase.co.evil.example/postgres`]: {
    name: `db.${REF}.supabase.co.evil.example`,
    kind: "project",
  },
  [`postgresql://postgres:${PASSWORD}@one.example,two.example:6000/postgres`]: {
    name: "one.example",
    kind: "project",
  },
  [`postgresql://postgres:${PASSWORD}@localhost,two.example/postgres`]: {
    name: "localhost",
    kind: "project",
  },
  [`postgresql://postgres:${PASSWORD}@127.0.0.1:54322/postgres`]: {
    name: "127.0.0.1",
    kind: "local",
  },
  [`postgresql://postgres:${PASSWORD}@[::1]:54322/postgres`]: { name: "[::1]", kind: "local" },
  "postgresql:///postgres": { name: "localhost", kind: "local" },
};

for (const [databaseUrl, expected] of Object.entries(names)) {
  Deno.test(`DATABASE_URL ${databaseUrl.replace(PASSWORD, "…")} names ${expected.name}`, () => {
    const { target } = parseDatabaseUrl(databaseUrl);
    assert.deepEqual({ name: target.name, kind: target.kind }, expected);
    assert.doesNotMatch(target.url, new RegExp(`${PASSWORD}|@|prisma`));
    assert.deepEqual(createMigrator({ via: "direct", databaseUrl }).target, target);
  });
}

const parametersOfOthers = [
  "pgbouncer=true",
  "schema=public",
  "pool_timeout=20",
  "connection_limit=1",
  "supa=base-pooler.x",
  "sslaccept=strict",
  "statement_cache_size=0",
  "socket_timeout=30",
  "workaround=supabase-pooler.vercel",
  "channel_binding=require",
  "gssencmode=disable",
  "keepalives=1",
  "target_session_attrs=any",
  "search_path=somewhere",
];

Deno.test("DATABASE_URL keeps what PostgreSQL knows, and leaves out other clients' parameters", () => {
  const base = `postgresql://postgres:p%40ss@${HOST}:6543/postgres`;
  assert.equal(parseDatabaseUrl(`${base}?${parametersOfOthers.join("&")}`).url, base);
  assert.equal(
    parseDatabaseUrl(
      `${base}?application_name=ci&pgbouncer=true&options=-c%20geqo%3Doff&target_session_attrs=primary`,
    ).url,
    `${base}?application_name=ci&options=-c+geqo%3Doff&target_session_attrs=primary`,
  );
});

const encryptions: [host: string, query: string, expected: unknown][] = [
  [HOST, "", "require"],
  [HOST, "?sslmode=disable", false],
  [HOST, "?sslmode=allow", "require"],
  [HOST, "?sslmode=prefer", "require"],
  [HOST, "?sslmode=require", "require"],
  [HOST, "?sslmode=no-verify", "require"],
  [HOST, "?ssl=true", "require"],
  [HOST, "?ssl=false", false],
  [HOST, "?sslmode=verify-full", {}],
  [HOST, "?sslrootcert=system", {}],
  [`localhost,${HOST}`, "?sslmode=prefer", "require"],
  ["localhost", "", false],
  ["localhost", "?sslmode=allow", "prefer"],
  ["localhost", "?sslmode=prefer", "prefer"],
  ["localhost", "?sslmode=require", "require"],
];

for (const [host, query, expected] of encryptions) {
  Deno.test(`DATABASE_URL of ${host} with "${query}" is encrypted as ${JSON.stringify(expected)}`, async () => {
    const { encrypt } = parseDatabaseUrl(`postgresql://postgres:${PASSWORD}@${host}/x${query}`);
    assert.deepEqual(await encrypt(), expected);
  });
}

const refused: Record<string, RegExp> = {
  [`mysql://postgres:${PASSWORD}@${HOST}/x`]: /does not begin with postgresql:\/\//,
  [`postgresql://postgres:${PASSWORD}@${HOST}:99999/x`]: /is not a URL/,
  [`postgresql://postgres:${PASSWORD}@b@${HOST}/x`]: /is not a URL/,
  [`postgresql://postgres:${PASSWORD}#b@${HOST}/x`]: /is not a URL/,
  [`postgresql://postgres:${PASSWORD}%zz@${HOST}/x`]: /is not a URL/,
  [`postgresql://postgres:${PASSWORD}@${HOST}/x?sslmode=maybe`]:
    /sslmode that nobody knows: "maybe"/,
  [`postgresql://postgres:${PASSWORD}@/x?host=${HOST}`]: /has a parameter "host"/,
  [`postgresql://postgres:${PASSWORD}@${POOLER}:6543/x`]: /its user names no project/,
};

for (const [databaseUrl, message] of Object.entries(refused)) {
  Deno.test(`DATABASE_URL ${databaseUrl.replace(PASSWORD, "…")} is refused`, () => {
    assert.throws(() => createMigrator({ via: "direct", databaseUrl }), (error: Error) => {
      assert.equal(error.name, "ConfigurationError");
      assert.match(error.message, message);
      assert.doesNotMatch(`${error.stack}${JSON.stringify(error)}`, new RegExp(PASSWORD));
      return true;
    });
  });
}

const databaseUrl = `postgresql://postgres:${PASSWORD}@${HOST}/postgres`;
const api = `https://${REF}.supabase.co`;

const contradictions: [options: MigratorOptions, message: RegExp][] = [
  [{ via: "direct" }, /^DATABASE_URL is not set, which --via direct needs$/],
  [{ via: "management" }, /^SUPABASE_ACCESS_TOKEN is not set, which --via management needs$/],
  [{ via: "management", accessToken: "sbp_x" }, /^SUPABASE_URL is not set$/],
  [{ via: "api", databaseUrl }, /^SUPABASE_URL is not set$/],
  [{ via: "api", supabaseUrl: api, databaseUrl }, /^SUPABASE_SERVICE_KEY is not set$/],
  [{ via: "direct", databaseUrl, embedded: true }, /exclude each other/],
  [
    { via: "direct", databaseUrl, supabaseUrl: `https://${OTHER}.supabase.co` },
    new RegExp(`^SUPABASE_URL names "${OTHER}", and DATABASE_URL "${REF}"$`),
  ],
  [
    { via: "direct", databaseUrl, supabaseUrl: "http://127.0.0.1:54321" },
    new RegExp(`^SUPABASE_URL names "127.0.0.1:54321", and DATABASE_URL "${REF}"$`),
  ],
  [
    { via: "direct", databaseUrl: "postgresql://localhost/postgres", supabaseUrl: api },
    new RegExp(`^SUPABASE_URL names "${REF}", and DATABASE_URL "localhost"$`),
  ],
];

for (const [options, message] of contradictions) {
  Deno.test(`createMigrator(${JSON.stringify(options).replace(PASSWORD, "…")}) is refused`, () => {
    assert.throws(() => createMigrator(options), { name: "ConfigurationError", message });
  });
}

Deno.test("install() over a DATABASE_URL of another project is refused before anything is sent", async () => {
  await using migrator = createMigrator({
    supabaseUrl: `https://${OTHER}.supabase.co`,
    databaseUrl,
  });
  await assert.rejects(migrator.install(), {
    name: "ConfigurationError",
    message: `SUPABASE_URL names "${OTHER}", and DATABASE_URL "${REF}"`,
  });
});

/** A PostgreSQL that has a certificate, and says no to whoever gets as far as that. */
async function listenWithTls(
  certificate: Certificate,
): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.once("data", () => {
      socket.write("S");
      const encrypted = new TLSSocket(socket, { isServer: true, ...certificate });
      encrypted.on("error", () => socket.destroy());
      encrypted.once("data", () => encrypted.end("E\0\0\0\x1bSFATAL\0C28000\0Mnobody\0\0"));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as { port: number }).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

Deno.test("a server's certificate is verified as sslmode says", async () => {
  const folder = await Deno.makeTempDir();
  const own = makeCertificate("127.0.0.1");
  const elsewhere = makeCertificate("127.0.0.2");
  await Deno.writeTextFile(`${folder}/own.pem`, own.cert);
  await Deno.writeTextFile(`${folder}/elsewhere.pem`, elsewhere.cert);
  /** Whether it gets as far as being told no. */
  const isTrusted = async (certificate: Certificate, query: string): Promise<boolean> => {
    const server = await listenWithTls(certificate);
    try {
      await using migrator = createMigrator({
        via: "direct",
        databaseUrl: `postgresql://postgres:${PASSWORD}@127.0.0.1:${server.port}/x?${query}` +
          "&connect_timeout=2",
        giveUpAfterMs: 1,
      });
      const error: Error = await migrator.status().then(() => assert.fail(), (error) => error);
      assert.equal(error.name, "UnreachableError", error.stack);
      return error.message === "No connection with DATABASE_URL: nobody";
    } finally {
      await server.close();
    }
  };
  try {
    assert.equal(await isTrusted(own, "sslmode=require"), true);
    assert.equal(await isTrusted(own, "sslmode=verify-full"), false);
    assert.equal(await isTrusted(own, `sslmode=verify-full&sslrootcert=${folder}/own.pem`), true);
    assert.equal(await isTrusted(own, `sslmode=require&sslrootcert=${folder}/own.pem`), true);
    const trustsOther = `sslrootcert=${folder}/elsewhere.pem`;
    assert.equal(await isTrusted(own, `sslmode=verify-full&${trustsOther}`), false);
    assert.equal(await isTrusted(own, `sslmode=verify-ca&${trustsOther}`), false);
    assert.equal(await isTrusted(own, `sslmode=require&${trustsOther}`), false);
    assert.equal(await isTrusted(elsewhere, `sslmode=verify-ca&${trustsOther}`), true);
    assert.equal(await isTrusted(elsewhere, `sslmode=verify-full&${trustsOther}`), false);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("through a pooler in transaction mode nothing runs outside a transaction", async () => {
  for (const port of [5432, 6543]) {
    const databaseUrl =
      `postgresql://postgres.abcdefghijklmnopqrst:a@x.pooler.supabase.com:${port}/postgres`;
    assert.equal(parseDatabaseUrl(databaseUrl).poolsTransactions, port === 6543);
    assert.equal(findAbilities({ via: "direct", databaseUrl }).outside === null, port === 6543);
    const channel = openDirectChannel(databaseUrl, 1000);
    assert.equal(channel.openSession === undefined, port === 6543);
    await channel.close();
  }
});
