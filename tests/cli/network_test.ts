import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { createMigrator } from "../../mod.ts";
import { Workspace } from "../support/cli.ts";
import { startStack } from "../support/stack.ts";

const stack = await startStack({ major: 17 });
Deno.test.afterAll(async () => await stack[Symbol.asyncDispose]());

const MIGRATIONS = { "001_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };
const KEY = "sb_secret_ThisIsNoRealKeyItIsForTests_AbCdEf12";

/** A server that writes down what it is asked for, and so should not be asked. */
class Elsewhere implements AsyncDisposable {
  readonly visits: string[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      this.visits.push(`${request.method} ${request.url}`);
      response.writeHead(200, { "content-type": "application/json", connection: "close" });
      response.end("[]");
    });
    this.#server.on("connect", (request, socket) => {
      this.visits.push(`CONNECT ${request.url}`);
      socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    });
  }

  static async open(): Promise<Elsewhere> {
    const elsewhere = new Elsewhere();
    await new Promise<void>((resolve) => elsewhere.#server.listen(0, "127.0.0.1", resolve));
    return elsewhere;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.#server.closeAllConnections();
    await closed;
  }
}

// Each command in one of the tests: what refuses the status and what sends the request are the same.
for (
  const [status, commands] of [
    [302, [["status"], ["migrate"]]],
    [307, [["install"], ["history"]]],
    [308, [["rollback", "--yes"]]],
  ] as const
) {
  Deno.test(
    `a redirect with ${status} is refused by ${
      commands.map(([name]) => name).join(" and ")
    }, to any host or to the same`,
    async () => {
      await using project = await stack.createProject({ installed: true });
      await using elsewhere = await Elsewhere.open();
      await using workspace = await Workspace.create(MIGRATIONS, {
        SUPABASE_URL: project.url,
        SUPABASE_SERVICE_KEY: project.serviceKey,
      });
      for (const host of [elsewhere.url, project.url]) {
        const paths = new Set<string>();
        using _ = project.gateway.intercept((request) => {
          paths.add(new URL(request.url).pathname);
          const location = `${host}/somewhere/else`;
          return Promise.resolve(new Response("moved", { status, headers: { location } }));
        });
        await Promise.all(commands.map(async (command) => {
          const { code, stderr } = await workspace.run(command);
          assert.equal(code, 4, stderr);
          assert.match(stderr, new RegExp(`HTTP ${status}, a redirect, which is not followed`));
        }));
        assert.deepEqual([...paths], ["/rest/v1/rpc/exec_sql"]);
      }
      assert.deepEqual(elsewhere.visits, []);
    },
  );
}

Deno.test("a redirect of the Management API is refused, to any host or to the same", async () => {
  await using elsewhere = await Elsewhere.open();
  await Promise.all(
    [301, 302, 307, 308].flatMap((status) =>
      [elsewhere.url, ""].map(async (host) => {
        const visits: string[] = [];
        const api = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
          visits.push(new URL(request.url).pathname);
          const location = `${host}/somewhere/else`;
          return new Response("moved", { status, headers: { location } });
        });
        await using migrator = createMigrator({
          supabaseUrl: "https://abcdefghijklmnopqrst.supabase.co",
          migrations: MIGRATIONS,
          accessToken: "sbp_c0ffee",
          managementApiUrl: `http://127.0.0.1:${api.addr.port}`,
        });
        for (const run of [() => migrator.install(), () => migrator.uninstall()]) {
          await assert.rejects(run, {
            name: "UnreachableError",
            message: new RegExp(`redirect \\(HTTP ${status}\\), which is not followed`),
          });
        }
        assert.deepEqual(
          new Set(visits),
          new Set(["/v1/projects/abcdefghijklmnopqrst/database/query"]),
        );
        await api.shutdown();
      })
    ),
  );
  assert.deepEqual(elsewhere.visits, []);
});

/** All that leaves the process would go through this: nobody is asked for an address either. */
const throughProxy = (proxy: string) => ({
  HTTP_PROXY: proxy,
  HTTPS_PROXY: proxy,
  NO_PROXY: "",
  DENO_NO_UPDATE_CHECK: "1",
});

const REFUSED: Record<string, RegExp> = {
  "http://example.com": /has to begin with https/,
  "http://abcdefghijklmnopqrst.supabase.co": /has to begin with https/,
  "http://127.0.0.1.evil.example": /has to begin with https/,
  "http://localhost.evil.example": /has to begin with https/,
  "http://evil.example/localhost": /has to begin with https/,
  "http://evil.example?localhost": /has to begin with https/,
  "http://evil.example#.localhost": /has to begin with https/,
  "http://evil.example\\.localhost": /has to begin with https/,
  "http://localhost@evil.example": /user name or a password/,
  "https://abcdefghijklmnopqrst.supabase.co@evil.example": /user name or a password/,
  "https://abcdefghijklmnopqrst.supabase.co:443@evil.example": /user name or a password/,
  "https://127.0.0.1:54321@evil.example": /user name or a password/,
  "http://[::ffff:1.2.3.4]": /has to begin with https/,
  "http://[::ffff:127.0.0.1]": /has to begin with https/,
  "http://[::]": /has to begin with https/,
  "http://0/": /has to begin with https/,
  "http://16909060": /has to begin with https/, // 1.2.3.4
  "http://0x1.2.3.4": /has to begin with https/,
  "http://localhost.": /has to begin with https/,
  "http://ⓛocalhost.evil.example": /has to begin with https/,
  "ws://127.0.0.1": /has to begin with https/,
  "https://": /is not a URL/,
};

Deno.test("where a key would travel in the clear or to a disguised host, nothing is sent", async () => {
  await using proxy = await Elsewhere.open();
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_SERVICE_KEY: KEY,
    ...throughProxy(proxy.url),
  });
  const cases = Object.entries(REFUSED);
  while (cases.length > 0) {
    await Promise.all(
      cases.splice(0, 4).map(async ([url, message]) => {
        const { code, stderr } = await workspace.run(["status"], { SUPABASE_URL: url });
        assert.equal(code, 2, `${url}: ${stderr}`);
        assert.match(stderr, message, url);
      }),
    );
  }
  assert.deepEqual(proxy.visits, []);

  // The proxy does see what is sent, encrypted, and which host it is for.
  const url = "https://abcdefghijklmnopqrst.supabase.co";
  assert.equal((await workspace.run(["status"], { SUPABASE_URL: url })).code, 4);
  assert.deepEqual(new Set(proxy.visits), new Set([`CONNECT ${new URL(url).host}:443`]));
});

Deno.test("other ways to write this machine's address lead to this machine", async () => {
  await using project = await stack.createProject({ installed: true });
  const { port } = new URL(project.url);
  await using workspace = await Workspace.create(MIGRATIONS, {
    SUPABASE_SERVICE_KEY: project.serviceKey,
  });
  for (const host of ["2130706433", "0x7f.1", "0177.0.0.1", "127.1", "LOCALHOST"]) {
    const { code, stderr } = await workspace.run(["status"], {
      SUPABASE_URL: `http://${host}:${port}`,
    });
    assert.equal(code, 0, `${host}: ${stderr}`);
  }
});

Deno.test("the Management API is asked over HTTPS alone", async () => {
  for (const managementApiUrl of ["http://example.com", "http://127.0.0.1.evil.example"]) {
    await using migrator = createMigrator({
      supabaseUrl: "https://abcdefghijklmnopqrst.supabase.co",
      accessToken: "sbp_c0ffee",
      managementApiUrl,
    });
    await assert.rejects(migrator.install(), {
      name: "ConfigurationError",
      message: "managementApiUrl has to begin with https://, not http://",
    });
  }
});

/** A PostgreSQL that knows no TLS, and writes down what it is sent. */
async function listenWithoutTls(): Promise<
  { port: number; sent: Uint8Array[]; close: () => Promise<unknown> }
> {
  const sent: Uint8Array[] = [];
  const server = createTcpServer((socket) => {
    socket.on("data", (bytes) => {
      sent.push(new Uint8Array(bytes));
      if (asksForTls(bytes)) socket.write("N");
      else socket.end(REFUSAL);
    });
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { port, sent, close: () => new Promise((resolve) => server.close(resolve)) };
}

/** PostgreSQL's "no", as it is written on the wire. */
const REFUSAL = "E\0\0\0\x1bSFATAL\0C28000\0Mnobody\0\0";

function asksForTls(bytes: Uint8Array): boolean {
  return [...bytes].join() === [0, 0, 0, 8, 4, 210, 22, 47].join();
}

for (
  const [what, host, query, encrypted] of [
    ["another machine", "0.0.0.0", "", true],
    ["another machine, where sslmode says so", "0.0.0.0", "?sslmode=disable", false],
    ["this machine", "127.0.0.1", "", false],
    ["this machine, where sslmode says so", "127.0.0.1", "?sslmode=require", true],
  ] as const
) {
  Deno.test(`a direct connection to ${what} is ${encrypted ? "" : "not "}encrypted`, async () => {
    const server = await listenWithoutTls();
    await using migrator = createMigrator({
      supabaseUrl: "https://abcdefghijklmnopqrst.supabase.co",
      // 0.0.0.0 is this machine in fact, and its name does not say so.
      databaseUrl: `postgresql://postgres:canary-password@${host}:${server.port}/postgres${query}`,
    });
    await assert.rejects(migrator.install(), { name: "UnreachableError" });
    assert.equal(asksForTls(server.sent[0]!), encrypted);
    const all = server.sent.map((bytes) => String.fromCharCode(...bytes)).join("");
    assert.equal(all.includes("user\0postgres"), !encrypted, "who it is, in the clear");
    await server.close();
  });
}

Deno.test("a direct connection that is refused is not tried again", async () => {
  const server = await listenWithoutTls();
  await using migrator = createMigrator({
    supabaseUrl: "https://abcdefghijklmnopqrst.supabase.co",
    databaseUrl: `postgresql://postgres:wrong@127.0.0.1:${server.port}/postgres`,
  });
  await assert.rejects(migrator.install(), {
    name: "UnreachableError",
    message: "No connection with DATABASE_URL: nobody",
  });
  const sent = server.sent.map((bytes) => String.fromCharCode(...bytes));
  assert.equal(sent.filter((text) => text.includes("user\0postgres")).length, 1, sent.join());
  await server.close();
});

Deno.test("DATABASE_URL with a password that is not encoded leads to no host at all", async () => {
  for (const password of ["a@b", "a#b@c", "a/b", "1234?a@b", "a%zz"]) {
    await using migrator = createMigrator({
      supabaseUrl: "https://abcdefghijklmnopqrst.supabase.co",
      databaseUrl: `postgresql://postgres:${password}@127.0.0.1:9/postgres`,
    });
    await assert.rejects(migrator.install(), {
      name: "ConfigurationError",
      message: "DATABASE_URL is not a URL",
    });
  }
});

Deno.test("a direct connection whose statement is kept waiting says so, and not that there is none", async () => {
  await using project = await stack.createProject();
  await project.sql(`alter role postgres set lock_timeout = '100ms'`);
  await using somebody = await project.connect();
  await using migrator = createMigrator({
    supabaseUrl: project.url,
    serviceKey: project.serviceKey,
    databaseUrl: project.databaseUrl,
  });
  try {
    await somebody.sql("begin; create schema supamigrate");
    await assert.rejects(migrator.install(), {
      name: "UnreachableError",
      message: "The database could not do it now: canceling statement due to lock timeout (55P03)",
    });
  } finally {
    await project.sql("alter role postgres reset lock_timeout");
  }
});

for (const timeout of ["0", "soon"]) {
  Deno.test(`DATABASE_URL with connect_timeout=${timeout} has the usual time to connect`, async () => {
    await using project = await stack.createProject({ installed: true });
    await using migrator = createMigrator({
      supabaseUrl: project.url,
      serviceKey: project.serviceKey,
      databaseUrl: `${project.databaseUrl}?connect_timeout=${timeout}`,
    });
    assert.equal((await migrator.install()).via, "a direct connection");
  });
}

/** Installs over a direct connection to what lets nobody in, and looks at how that is told. */
async function isGivenUp(accept: (socket: Socket) => void): Promise<void> {
  // Read to the end: what is left unread at a close makes it a reset, which is an answer.
  const server = createTcpServer((socket) => accept(socket.on("error", () => {}).resume()));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await using migrator = createMigrator({
    supabaseUrl: "https://abcdefghijklmnopqrst.supabase.co",
    databaseUrl: `postgresql://postgres:secret@127.0.0.1:${port}/postgres?connect_timeout=1`,
  });
  await assert.rejects(migrator.install(), {
    name: "UnreachableError",
    message: "No connection with DATABASE_URL: no server has let anybody in for 1 s",
  });
  await new Promise((resolve) => server.close(resolve));
}

Deno.test("a direct connection that is closed again and again is given up", async () => {
  await isGivenUp((socket) => socket.end());
});

Deno.test("a direct connection on which nobody speaks is given up the first time", async () => {
  let connections = 0;
  await isGivenUp(() => connections++);
  assert.equal(connections, 1);
});
