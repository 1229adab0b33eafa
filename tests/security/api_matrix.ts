/** Who is answered what by the API: every kind of caller, every function, every table. */

import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import {
  type AnyProject,
  ownProject,
  type ServerProject,
  testOnEveryDatabase,
  testOnOneServer,
  testOnServers,
} from "../support/projects.ts";
import type { Sql } from "../support/session.ts";
import { type Caller, listCallers, listGatewayCallers } from "./callers.ts";
import { type ApiRequest, listPrivateNames, listRequests, openApi } from "./requests.ts";

/**
 * What the API has to answer. Each cell stands for all requests of its column: the HTTP status
 * with the code of PostgREST or PostgreSQL.
 *
 * - exec_sql: a right call of it. By GET it is the same call in a transaction that cannot write.
 * - functions: every function of the tracking schema by its name, and all that is not quite a
 *   call of exec_sql (arguments missing or unknown, `params=single-object`, another spelling).
 * - rows, writing, PUT: every table and sequence by its name. Rows is GET, HEAD and DELETE, writing
 *   is POST, PATCH and OPTIONS, which PostgREST answers from its schema cache whoever asks.
 * - schema: all of that once more, naming the tracking schema as the profile.
 * - listed: the functions and tables that the OpenAPI description shows.
 *
 * A key that is signed with the project's secret is the project's, whatever its `ref` says: it is
 * the tool that refuses it, before anything is sent. No role that a key can name is let in but
 * service_role. Names of roles that PostgREST cannot become are refused by PostgreSQL (22023).
 */
const expectedAnswers = `
caller                         | exec_sql     | by GET       | functions    | rows         | writing      | PUT          | schema       | listed
no key                         | 401 42501    | 401 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
malformed key                  | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301
service_role, signed elsewhere | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301
service_role, not signed       | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301
service_role, expired          | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301
service_role, not yet valid    | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301 | 401 PGRST301
anon                           | 401 42501    | 401 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
authenticated                  | 403 42501    | 403 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
no role                        | 401 42501    | 401 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
role authenticator             | 403 42501    | 403 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
role none                      | 403 42501    | 403 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
role postgres                  | 403 42501    | 403 42501    | 404 PGRST202 | 403 42501    | 404          | 405 PGRST105 | 406 PGRST106 | 403 42501
role supabase_admin            | 403 42501    | 403 42501    | 404 PGRST202 | 403 42501    | 404          | 405 PGRST105 | 406 PGRST106 | 403 42501
role dashboard_user            | 403 42501    | 403 42501    | 404 PGRST202 | 403 42501    | 404          | 405 PGRST105 | 406 PGRST106 | 403 42501
role pg_read_all_data          | 403 42501    | 403 42501    | 404 PGRST202 | 403 42501    | 404          | 405 PGRST105 | 406 PGRST106 | 403 42501
role of no such name           | 400 22023    | 400 22023    | 404 PGRST202 | 400 22023    | 404          | 405 PGRST105 | 406 PGRST106 | 400 22023
role null                      | 400 22023    | 400 22023    | 404 PGRST202 | 400 22023    | 404          | 405 PGRST105 | 406 PGRST106 | 400 22023
role a list                    | 400 22023    | 400 22023    | 404 PGRST202 | 400 22023    | 404          | 405 PGRST105 | 406 PGRST106 | 400 22023
role an injection              | 400 22023    | 400 22023    | 404 PGRST202 | 400 22023    | 404          | 405 PGRST105 | 406 PGRST106 | 400 22023
service_role, another ref      | 200          | 200          | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | /rpc/exec_sql
service_role                   | 200          | 200          | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | /rpc/exec_sql
`;

/** What the gateway answers to others: it refuses a missing key, and knows opaque ones. */
const expectedAtTheGateway = `
caller                         | exec_sql     | by GET       | functions    | rows         | writing      | PUT          | schema       | listed
no key                         | 401          | 401          | 401          | 401          | 401          | 401          | 401          | 401
publishable key                | 401 42501    | 401 42501    | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | nothing
unknown secret key             | 401          | 401          | 401          | 401          | 401          | 401          | 401          | 401
secret key                     | 200          | 200          | 404 PGRST202 | 404 42P01    | 404          | 405 PGRST105 | 406 PGRST106 | /rpc/exec_sql
`;

type Matrix = Readonly<Record<string, Readonly<Record<string, string>>>>;

function parseMatrix(text: string): Matrix {
  const [header = [], ...rows] = text.trim().split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()));
  return Object.fromEntries(rows.map(([caller, ...cells]) => [
    caller,
    Object.fromEntries(cells.map((cell, index) => [header[index + 1], cell])),
  ]));
}

/** A way to PostgREST. */
type Entrance = (path: string, init: RequestInit) => Promise<Response>;

const atTheGateway = (project: ServerProject): Entrance => (path, init) =>
  fetch(`${project.url}/rest/v1${path}`, init);
/** As from inside the network, where there is no gateway. */
const atPostgrest = (project: ServerProject): Entrance => (path, init) =>
  project.postgrest.fetch(path, init);

async function send(
  entrance: Entrance,
  { key }: Caller,
  { method, path, headers, body }: ApiRequest,
): Promise<{ status: number; answer: Record<string, unknown> }> {
  const response = await entrance(path, {
    method,
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { apikey: key, authorization: `Bearer ${key}` }),
      ...headers,
    },
    body: body ?? null,
  });
  const text = await response.text();
  return { status: response.status, answer: text === "" ? {} : JSON.parse(text) };
}

/** The one answer to all requests of a column; all that there were, where they are several. */
async function answerTo(
  entrance: Entrance,
  caller: Caller,
  requests: readonly ApiRequest[],
): Promise<string> {
  const answers = new Map<string, ApiRequest>();
  const heads: { status: string; request: ApiRequest }[] = [];
  await Promise.all(requests.map(async (request) => {
    const { status, answer } = await send(entrance, caller, request);
    if (request.method === "HEAD") heads.push({ status: `${status}`, request });
    else answers.set([status, answer.code].filter(Boolean).join(" "), request);
  }));
  // Answers to HEAD have no body that could hold a code: they count where there is none like them.
  for (const { status, request } of heads) {
    if (![...answers.keys()].some((answer) => answer.startsWith(status))) {
      answers.set(status, request);
    }
  }
  if (answers.size === 1) return [...answers.keys()].join();
  return [...answers].map(([answer, { method, path }]) => `${answer} (${method} ${path})`).join();
}

async function listedTo(entrance: Entrance, caller: Caller): Promise<string> {
  const { status, answer } = await send(entrance, caller, openApi);
  if (status !== 200) return [status, answer.code].filter(Boolean).join(" ");
  const paths = Object.keys(answer.paths as object).filter((path) => path !== "/");
  return paths.join(" ") || "nothing";
}

async function ask(
  project: ServerProject,
  entrance: Entrance,
  callers: readonly Caller[],
): Promise<Matrix> {
  const columns = Object.entries(await listRequests(project.sql));
  const rows = [];
  for (const caller of callers) {
    const cells = await Promise.all(columns.map(async ([column, requests]) => [
      column,
      await answerTo(entrance, caller, requests),
    ]));
    cells.push(["listed", await listedTo(entrance, caller)]);
    rows.push([caller.name, Object.fromEntries(cells)]);
  }
  return Object.fromEntries(rows);
}

testOnServers(
  "PostgREST answers each caller as the matrix says, and lets service_role in alone",
  async (project) => {
    await project.migrator({ "1_a.sql": "create table a ();" }).migrate();
    const before = [await project.catalog(), await project.records()];
    const answers = await ask(project, atPostgrest(project), await listCallers(project));
    assert.deepEqual(answers, parseMatrix(expectedAnswers));
    assert.deepEqual([await project.catalog(), await project.records()], before);
  },
);

testOnOneServer("so it is at the gateway, which knows more keys than tokens", async (project) => {
  const tokens = (await listCallers(project))
    .filter(({ name }) => /^(no key|anon|service_role)$/.test(name));
  const answers = await ask(project, atTheGateway(project), [
    ...tokens,
    ...listGatewayCallers(project),
  ]);
  const { anon = {}, service_role = {} } = parseMatrix(expectedAnswers);
  assert.deepEqual(answers, { anon, service_role, ...parseMatrix(expectedAtTheGateway) });
});

testOnServers("by GET nothing can be written, with the service key neither", async (project) => {
  const writes = [
    "create table a ()",
    "select supamigrate.unlock('{\"generation\": 0}')",
    "set transaction read write; create table a ()",
    "select set_config('transaction_read_only', 'off', true); create table a ()",
    "set session characteristics as transaction read write; create table a ()",
  ];
  for (const write of writes) {
    const { status, answer } = await send(
      atTheGateway(project),
      { name: "service_role", key: project.serviceKey },
      { method: "GET", path: `/rpc/exec_sql?sql_query=${encodeURIComponent(write)}` },
    );
    assert.match(String(answer.code), /^25/, `${write}: ${status} ${JSON.stringify(answer)}`);
  }
});

/** What PostgREST finds there to serve: all but what only triggers can call. */
async function listServable(sql: Sql): Promise<string[]> {
  const rows = await sql(`
    select proname as name from pg_proc
     where pronamespace = 'supamigrate'::regnamespace and prorettype <> 'trigger'::regtype
    union
    select relname from pg_class where relnamespace = 'supamigrate'::regnamespace and relkind not in ('i', 'I')
  `);
  return rows.map(({ name }) => String(name)).sort();
}

testOnServers(
  "even where the API is made to serve the tracking schema, it serves it to nobody",
  async (project) => {
    await project.sql(`
      do $$ begin
        execute format('alter role authenticator in database %I set pgrst.db_schemas to %L',
                       current_database(), 'public, supamigrate');
      end $$
    `);
    await project.postgrest.stop();
    await project.postgrest.start();
    const { schema: requests = [] } = await listRequests(project.sql);
    const callers = (await listCallers(project))
      .filter(({ name }) => /^(no key|anon|authenticated|no role|service_role)$/.test(name));
    for (const caller of callers) {
      const refused = new Set<string>();
      for (const request of requests) {
        const { status, answer } = await send(atPostgrest(project), caller, request);
        assert.ok(
          status >= 400 || isDeepStrictEqual(Object.keys(answer.paths ?? {}), ["/"]),
          `${request.method} ${request.path} by ${caller.name}: ${status}`,
        );
        const name = /^\/(?:rpc\/)?(\w+)(\?|$)/.exec(request.path)?.[1];
        if (answer.code === "42501" && name !== undefined) refused.add(name);
      }
      assert.deepEqual([...refused].sort(), await listServable(project.sql), caller.name);
    }
  },
  ownProject,
);

testOnEveryDatabase(
  "nothing but exec_sql answers a call by name",
  async (project: AnyProject) => {
    const { functions, relations } = await listPrivateNames(project.sql);
    for (const { name: caller, key } of await listCallers(project)) {
      if (key === undefined) continue;
      const client = project.client(key);
      const { status } = await client.rpc("exec_sql", { sql_query: "select 1" });
      assert.equal(status === 200, /^service_role(, another ref)?$/.test(caller), caller);
      // The matrix above asks for all of them in every caller's name.
      const isOrdinary = /^(anon|authenticated|service_role)$/.test(caller);
      for (const { name, parameters } of isOrdinary ? functions : functions.slice(0, 10)) {
        const { status } = await client.rpc(
          name,
          Object.fromEntries(parameters.map((parameter) => [parameter, {}])),
        );
        assert.ok(status >= 400, `${name} by ${caller}: ${status}`);
      }
      for (const name of relations) {
        for (const from of [client, client.schema("supamigrate")]) {
          const { status } = await from.from(name).select();
          assert.ok(status >= 400, `${name} by ${caller}: ${status}`);
        }
      }
    }
  },
);
