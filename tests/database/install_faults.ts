import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { WireProxy } from "../chaos/wire_proxy.ts";
import type { Fault } from "./requests.ts";
import {
  bareProject,
  listeningProject,
  type ServerProject,
  testOnOneServer,
} from "../support/projects.ts";

const migrations = { "1_a.sql": "create table a ();\n-- ROLLBACK\ndrop table a;\n" };

const emptyPage = () => new Response("<html>Restoring</html>", { status: 200 });

/** What comes back in place of the answer, with and without the request having arrived. */
const faults: Readonly<Record<string, Fault>> = {
  "the reply lost": async (request, forward) => {
    await forward(request);
    throw new Error("dropped");
  },
  "the request lost": () => Promise.reject(new Error("dropped")),
  "a page with status 200": () => Promise.resolve(emptyPage()),
  "a page with status 200, after it was done": async (request, forward) => {
    await forward(request);
    return emptyPage();
  },
  "an empty list, as of a statement without rows": () => Promise.resolve(Response.json([])),
  "nothing as JSON": () => Promise.resolve(Response.json([{ result: null }])),
};

/** Gives one request that runs a certain SQL to a fault. */
function strike(project: ServerProject, sql: RegExp, fault: Fault): Disposable {
  let left = 1;
  return project.gateway.intercept(async (request, forward) => {
    const { sql_query = "" } = await request.clone().json();
    return sql.test(sql_query) && left-- > 0
      ? await fault(request, forward)
      : await forward(request);
  });
}

const isInstalled = async (project: ServerProject) => {
  const [row] = await project.sql(`
    select to_regnamespace('supamigrate') is not null as schema,
           to_regprocedure('public.exec_sql(text, jsonb)') is not null as door`);
  assert.equal(row?.schema, row?.door);
  return row?.door as boolean;
};

for (const [name, fault] of Object.entries(faults)) {
  testOnOneServer(`uninstall() is done when it says so, with ${name}`, async (project) => {
    for (const sql of [/drop schema if exists supamigrate/, /has_tracking_schema/]) {
      using _ = strike(project, sql, fault);
      assert.deepEqual(await project.migrator(migrations).uninstall(), {
        removed: true,
        copiesLeft: 0,
      });
      assert.equal(await isInstalled(project), false);
      await project.migrator(migrations, { databaseUrl: project.databaseUrl }).install();
      await project.reloadSchema(); // PostgREST may not yet have noticed that it was gone
    }
  }, listeningProject);

  testOnOneServer(
    `install() over the API is done when it says so, with ${name}`,
    async (project) => {
      for (const sql of [/create schema/, /has_tracking_schema/, /supamigrate\.state/]) {
        await project.sql("drop function supamigrate.acquire(jsonb)");
        using _ = strike(project, sql, fault);
        await project.migrator(migrations).install();
        const [row] = await project.sql(
          "select to_regprocedure('supamigrate.acquire(jsonb)') is not null as there",
        );
        assert.equal(row?.there, true);
      }
    },
    listeningProject,
  );

  testOnOneServer(`an older tracking schema is upgraded in spite of ${name}`, async (project) => {
    await project.sql("update supamigrate.installation set schema_version = schema_version - 1");
    using _ = strike(project, /create schema/, fault);
    assert.equal((await project.migrator(migrations).migrate()).migrationsRun, 1);
  });
}

for (const what of ["breaks", "falls silent"]) {
  testOnOneServer(
    `a direct connection that ${what} is no fault of the settings`,
    async (project) => {
      const { hostname, port } = new URL(project.databaseUrl);
      // A stand-in that hangs up, or says nothing more, when it is asked to install.
      const sockets: Socket[] = [];
      const server = createServer((client) => {
        const database = connect(Number(port), hostname);
        sockets.push(client, database);
        for (const socket of [client, database]) socket.on("error", () => {});
        client.on("data", (bytes: Uint8Array) => {
          if (!new TextDecoder().decode(bytes).includes("create schema")) database.write(bytes);
          else if (what === "breaks") client.destroy();
          else client.removeAllListeners("data").resume();
        });
        database.on("data", (bytes: Uint8Array) => client.write(bytes));
        client.on("close", () => database.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const own = (server.address() as AddressInfo).port;
      const databaseUrl = project.databaseUrl.replace(`:${port}`, `:${own}`);
      await assert.rejects(
        project.migrator(migrations, { databaseUrl, requestTimeoutMs: 1000 }).install(),
        {
          name: "UnknownOutcomeError",
          message: what === "breaks"
            ? /^It is unknown whether supamigrate was installed: /
            : /installed: No connection with DATABASE_URL: no answer for 1 s$/,
          hint: /again is safe/,
        },
      );
      assert.equal(await isInstalled(project), false);
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
    bareProject,
  );
}

testOnOneServer("a direct connection that is cut at any packet is made again", async (project) => {
  const { port } = new URL(project.databaseUrl);
  await using proxy = await WireProxy.open(Number(port));
  const databaseUrl = project.databaseUrl.replace(`:${port}`, `:${proxy.port}`);
  // To the client a packet that was lost is the same as one whose answer was.
  for (const fault of [{ kind: "cut after" }, { kind: "truncate", bytes: 1 }] as const) {
    for (let packet = 0, isCut = true; isCut; packet++) {
      isCut = false;
      proxy.arm(fault, packet, () => isCut = true);
      const what = `${JSON.stringify(fault)} at packet ${packet}`;
      // What is lost of the one packet that installs is not known.
      const { via } = await project.migrator(migrations, { databaseUrl }).install()
        .catch((error) => {
          assert.equal(error.name, "UnknownOutcomeError", `${what}: ${error.stack}`);
          return { via: "a direct connection" };
        });
      assert.equal(via, "a direct connection", what);
      proxy.disarm();
    }
  }
}, bareProject);
