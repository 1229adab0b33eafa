import type { Project } from "../support/stack.ts";
import type { Sql } from "../support/session.ts";
import type { User } from "./platform.ts";
import { addPlatformPeople, buildWorld, personOf, type World } from "./world.ts";

/** Who asks: people of world a, staff, someone with no relation to anything, and the two keys. */
export const personas = {
  anon: null,
  stranger: personOf("platform", "stranger"),
  customer: personOf("a", "customer"),
  viewer: personOf("a", "viewer"),
  owner: personOf("a", "owner"),
  assistant: personOf("a", "assistant"),
  agent: personOf("a", "agent"),
  star: personOf("a", "star"),
  support: personOf("platform", "support"),
  finance: personOf("platform", "finance"),
  admin: personOf("platform", "administrator"),
  service: "service",
} as const satisfies Record<string, User | "service" | null>;

/** One of them. */
export type Persona = keyof typeof personas;

type Row = Readonly<Record<string, unknown>>;

/** A table as the requests are made for it. */
export interface ProbedTable {
  readonly name: string;
  readonly key: readonly string[];
  /** The columns that a user has a grant to insert, or update. */
  readonly insertable: readonly string[];
  readonly updatable: readonly string[];
  /** Those of them that the service role can write, having grants for all. */
  readonly writable: readonly string[];
  /** The rows of each world. */
  readonly rows: Readonly<Record<World, readonly Row[]>>;
}

/** Columns that say who did it: a request puts in who makes the request. */
const actors: Readonly<Record<string, string>> = {
  analytics_events: "user_id",
  app_users: "id",
  booking_offers: "made_by",
  booking_requests: "customer_id",
  celebrity_ratings: "user_id",
  conversations: "customer_id",
  crypto_wallets: "user_id",
  events: "organizer_id",
  favorites: "user_id",
  files: "owner_id",
  messages: "sender_id",
  organizations: "created_by",
  user_profiles: "user_id",
  venues: "created_by",
};

/** The row to insert again, where it is not the first. */
const samples: Readonly<Record<string, (row: Row) => boolean>> = {
  celebrity_representatives: ({ kind }) => kind === "agent",
  organization_members: ({ role }) => role === "viewer",
};

/** Builds both worlds and says which rows belong to which. */
export async function prepareTables(sql: Sql): Promise<ProbedTable[]> {
  await addPlatformPeople(sql, ["stranger", "support", "finance", "administrator"]);
  const tables = await sql(TABLES_SQL) as unknown as Omit<ProbedTable, "rows">[];
  const snapshot = async () =>
    new Map(
      (await sql(
        tables.map(({ name, key }) =>
          `select '${name}' as name, (select jsonb_agg(to_jsonb(t) order by ${key.join()})
             from public.${name} t) as rows`
        ).join(" union all "),
      )).map(({ name, rows }) => [name as string, (rows ?? []) as Row[]]),
    );
  const keyOf = (table: { key: readonly string[] }, row: Row) =>
    table.key.map((column) => row[column]).join();
  const added = (table: Omit<ProbedTable, "rows">, before: Row[], after: Row[]) => {
    const known = new Set(before.map((row) => keyOf(table, row)));
    return after.filter((row) => !known.has(keyOf(table, row)));
  };
  const none = await snapshot();
  await buildWorld(sql, "a");
  const one = await snapshot();
  await buildWorld(sql, "b");
  const both = await snapshot();
  return tables.map((table) => ({
    ...table,
    rows: {
      a: added(table, none.get(table.name)!, one.get(table.name)!),
      b: added(table, one.get(table.name)!, both.get(table.name)!),
    },
  }));
}

const TABLES_SQL = `
  select c.relname as name,
         (select array_agg(a.attname::text order by a.attnum) from pg_attribute a
           where a.attrelid = c.oid and a.attnum = any (p.conkey)) as key,
         array_agg(a.attname::text order by a.attnum)
           filter (where has_column_privilege('authenticated', c.oid, a.attnum, 'insert'))
           as insertable,
         array_agg(a.attname::text order by a.attnum)
           filter (where has_column_privilege('authenticated', c.oid, a.attnum, 'update'))
           as updatable,
         array_agg(a.attname::text order by a.attnum)
           filter (where a.attgenerated = '' and a.attidentity = '') as writable
    from pg_class c
    join pg_constraint p on p.conrelid = c.oid and p.contype = 'p'
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
   where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
   group by c.oid, c.relname, p.conkey
   order by c.relname
`;

/** Asks for everything that one persona could want of one table. */
export class Prober {
  readonly #fetch: Project["postgrest"]["fetch"];
  readonly #keys: ReadonlyMap<Persona, string>;

  private constructor(project: Project, keys: ReadonlyMap<Persona, string>) {
    this.#fetch = (path, init) => project.postgrest.fetch(path, init);
    this.#keys = keys;
  }

  /** Signs in the personas, and has the API undo what requests ask it to undo. */
  static async open(project: Project): Promise<Prober> {
    await project.sql(`
      do $$ begin
        execute format('alter role authenticator in database %I set pgrst.db_tx_end = %L',
          current_database(), 'commit-allow-override');
      end $$;
      notify pgrst, 'reload config';
    `);
    const keys = new Map<Persona, string>();
    for (const [name, who] of Object.entries(personas) as [Persona, User | "service" | null][]) {
      keys.set(
        name,
        who === null
          ? project.anonKey
          : who === "service"
          ? project.serviceKey
          : await project.keyFor({ role: "authenticated", sub: who.id, email: who.email }),
      );
    }
    return new Prober(project, keys);
  }

  /**
   * The answer as four letters, for reading, inserting, updating and deleting: `-` refused by
   * grants, `.` nothing (no row seen or touched, or refused by a policy), small: in world a alone,
   * capital: in world b as well. `s` is reading some rows of world a and not all, `!` is seeing or
   * touching rows of world b without all of world a.
   */
  async probe(persona: Persona, table: ProbedTable): Promise<string> {
    const letters = await Promise.all([
      this.#read(persona, table),
      this.#write(persona, table, "i", (world) => this.#insert(persona, table, world)),
      this.#write(persona, table, "u", (world) => this.#update(persona, table, world)),
      this.#write(persona, table, "d", (world) => this.#change(persona, table, world, "DELETE")),
    ]);
    return letters.join("");
  }

  async #read(persona: Persona, { name, key, rows }: ProbedTable): Promise<string> {
    const { status, body } = await this.#send(persona, "GET", `${name}?select=${key.join()}`);
    if (status !== 200) return denial(body);
    const seen = new Set((body as Row[]).map((row) => key.map((column) => row[column]).join()));
    const count = (world: World) =>
      rows[world].filter((row) => seen.has(key.map((column) => row[column]).join())).length;
    const [a, b] = [count("a"), count("b")];
    if (b > 0) return a === rows.a.length && b === rows.b.length ? "R" : "!";
    return a === 0 ? "." : a === rows.a.length ? "r" : "s";
  }

  async #write(
    _persona: Persona,
    _table: ProbedTable,
    letter: string,
    attempt: (world: World) => Promise<boolean | "-">,
  ): Promise<string> {
    const own = await attempt("a");
    if (own === "-") return "-";
    const foreign = await attempt("b");
    if (foreign === true) return own ? letter.toUpperCase() : "!";
    return own ? letter : ".";
  }

  async #insert(persona: Persona, table: ProbedTable, world: World): Promise<boolean | "-"> {
    const { name, rows } = table;
    const columns = this.#columns(persona, table.insertable, table.writable);
    const row = rows[world].find(samples[name] ?? (() => true))!;
    let body = Object.fromEntries(columns.map((column) => [column, row[column]]));
    const who = personas[persona];
    const actor = actors[name];
    if (who !== null && who !== "service" && actor !== undefined && columns.includes(actor)) {
      body = JSON.parse(JSON.stringify(body).replaceAll(String(row[actor]), who.id));
      if ("email" in body) body.email = who.email;
    }
    const { status, body: answer } = await this.#send(persona, "POST", name, body);
    return outcome(status, answer, true);
  }

  async #update(persona: Persona, table: ProbedTable, world: World): Promise<boolean | "-"> {
    const granted = this.#columns(persona, table.updatable, table.writable);
    const columns = granted.filter((column) => !table.key.includes(column));
    const column = columns.findLast((name) => !/_id$/.test(name)) ?? table.writable[0]!;
    const value = table.rows[world][0]![column];
    return await this.#change(persona, table, world, "PATCH", { [column]: value });
  }

  async #change(
    persona: Persona,
    { name, key, rows }: ProbedTable,
    world: World,
    method: string,
    body?: Row,
  ): Promise<boolean | "-"> {
    const conditions = rows[world].map((row) =>
      `and(${key.map((column) => `${column}.eq."${row[column]}"`).join()})`
    );
    const path = `${name}?or=(${conditions.map(encodeURIComponent).join()})`;
    const { status, body: answer, count } = await this.#send(persona, method, path, body);
    return outcome(status, answer, count > 0);
  }

  #columns(persona: Persona, granted: readonly string[] | null, all: readonly string[]) {
    return persona === "service" ? all : persona === "anon" ? [] : granted ?? [];
  }

  async #send(persona: Persona, method: string, path: string, body?: unknown) {
    const response = await this.#fetch(`/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.#keys.get(persona)}`,
        "content-type": "application/json",
        prefer: "tx=rollback, count=exact, return=minimal",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const applied = response.headers.get("preference-applied") ?? "";
    if (method !== "GET" && response.ok && !applied.includes("tx=rollback")) {
      throw new Error(`${method} ${path} was not rolled back`);
    }
    return {
      status: response.status,
      body: text === "" ? null : JSON.parse(text) as unknown,
      count: Number(response.headers.get("content-range")?.split("/")[1] ?? 0),
    };
  }
}

function outcome(status: number, body: unknown, touched: boolean): boolean | "-" {
  if (status < 300) return touched;
  // A constraint is looked at after policies: getting there is having been let in.
  const { code = "" } = body as { code?: string };
  if (/^23/.test(code)) return true;
  return denial(body) === "-" ? "-" : false;
}

function denial(body: unknown): string {
  const { code, message = "" } = body as { code?: string; message?: string };
  if (code !== "42501") throw new Error(JSON.stringify(body));
  return /^permission denied for/.test(message) ? "-" : ".";
}
