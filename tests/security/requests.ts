import type { Sql } from "../support/session.ts";

/** A request to PostgREST. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const statement = "select 1 as one";

/** A call with the right arguments. */
export const rightCall: ApiRequest = {
  method: "POST",
  path: "/rpc/exec_sql",
  body: JSON.stringify({ sql_query: statement }),
};

/** The same call in other forms that PostgREST takes. */
const otherForms: readonly ApiRequest[] = [
  { ...rightCall, headers: { accept: "application/vnd.pgrst.array" } },
  { ...rightCall, headers: { "content-profile": "public", prefer: "tx=rollback" } },
  {
    method: "POST",
    path: "/rpc/exec_sql",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: `sql_query=${encodeURIComponent(statement)}`,
  },
];

/** Calls of the one function that is served, none of which PostgREST takes for it. */
const wrongCalls: readonly ApiRequest[] = [
  { ...rightCall, body: "{}" },
  { ...rightCall, body: JSON.stringify({ params: {} }) },
  { ...rightCall, body: JSON.stringify({ query: statement }) },
  { ...rightCall, body: JSON.stringify({ sql_query: statement, role: "postgres" }) },
  { ...rightCall, headers: { prefer: "params=single-object" } },
  { ...rightCall, headers: { "content-profile": "storage" } },
  { ...rightCall, headers: { "content-profile": "graphql_public" } },
  { ...rightCall, path: "/rpc/EXEC_SQL" },
  { ...rightCall, path: "/rpc/public.exec_sql" },
  { ...rightCall, path: "/rpc/exec_sql%20" },
  { method: "GET", path: "/rpc/exec_sql" },
  { method: "HEAD", path: "/rpc/exec_sql" },
  { method: "OPTIONS", path: "/rpc/exec_sql" },
];

/**
 * Every way to ask for what supamigrate installs, in the columns of the matrix in `api_matrix.ts`.
 * What there is comes from the catalog, so that a new function or table is asked for without being
 * named here.
 */
export async function listRequests(sql: Sql): Promise<Record<string, readonly ApiRequest[]>> {
  const { functions, relations } = await listPrivateNames(sql);
  const calls = functions.flatMap(({ name, parameters }, index) => {
    const call = {
      method: "POST",
      body: JSON.stringify(Object.fromEntries(parameters.map((parameter) => [parameter, null]))),
    };
    const query = parameters.map((parameter) => `${parameter}=null`).join("&");
    const plain = { ...call, path: `/rpc/${name}` };
    // Which form a call has is no matter of the function: PostgREST looks long for what is not served.
    return index % 10 > 0 ? [plain] : [
      plain,
      { ...call, path: `/rpc/supamigrate.${name}` },
      { method: "GET", path: `/rpc/${name}?${query}` },
    ];
  });
  const body = JSON.stringify({ id: 1 });
  const rows = relations.flatMap((name) => [
    { method: "GET", path: `/${name}` },
    { method: "HEAD", path: `/${name}` },
    { method: "GET", path: `/supamigrate.${name}?select=*` },
    { method: "DELETE", path: `/${name}?id=eq.1` },
  ]);
  const writing = relations.flatMap((name) => [
    { method: "POST", path: `/${name}`, body },
    { method: "PATCH", path: `/${name}?id=eq.1`, body },
  ]);
  const puts = relations.map((name) => ({ method: "PUT", path: `/${name}?id=eq.1`, body }));
  const options = relations.map((name) => ({ method: "OPTIONS", path: `/${name}` }));
  const all = [...calls, ...rows, ...writing, ...puts];
  return {
    "exec_sql": [rightCall, ...otherForms],
    "by GET": [{ method: "GET", path: `/rpc/exec_sql?sql_query=${statement}` }],
    "functions": [...wrongCalls, ...calls],
    "rows": rows,
    "writing": [...writing, ...options],
    "PUT": puts,
    "schema": [
      ...[rightCall, openApi, ...all].map(inSchema("supamigrate")),
      ...["extensions", "pg_catalog", "public,supamigrate"].map((name) =>
        inSchema(name)(rightCall)
      ),
    ],
  };
}

/** The functions and relations of the tracking schema, indexes aside. */
export async function listPrivateNames(sql: Sql): Promise<{
  functions: { name: string; parameters: string[] }[];
  relations: string[];
}> {
  const functions = await sql(`
    select proname as name, coalesce(proargnames[:pronargs], '{}') as parameters
      from pg_proc where pronamespace = 'supamigrate'::regnamespace
  `);
  const relations = await sql(`
    select relname as name from pg_class
     where relnamespace = 'supamigrate'::regnamespace and relkind not in ('i', 'I')
  `);
  return {
    functions: functions as { name: string; parameters: string[] }[],
    relations: relations.map(({ name }) => String(name)),
  };
}

/** What PostgREST lists as served. */
export const openApi: ApiRequest = { method: "GET", path: "/" };

/** The same request to another schema. */
export function inSchema(schema: string): (request: ApiRequest) => ApiRequest {
  return (request) => {
    const reads = request.method === "GET" || request.method === "HEAD";
    return { ...request, headers: { [reads ? "accept-profile" : "content-profile"]: schema } };
  };
}
