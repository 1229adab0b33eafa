/** Calls supamigrate's functions with hostile input, and looks at everything after each call. */

import assert from "node:assert/strict";
import type { SupabaseClient } from "@supabase/supabase-js";
import { STATEMENTS } from "../../../lib/database/channel.ts";
import { CLEAR_SQL, describeCatalog } from "../../database/catalog.ts";
import { Random } from "../../support/random.ts";
import type { AnyProject, ProjectKind } from "../../support/projects.ts";
import { CallMaker, type FuzzCall } from "./calls.ts";
import { NO_WITNESS_SQL, WITNESS_SQL } from "./hostile.ts";
import { judge, type Outcome } from "./oracle.ts";
import { readTracking } from "./tracking.ts";

/** A project for it: with one connection, so that a call gets the one of the call before it. */
export const fuzzedProject: ProjectKind = { own: true, dbPool: 1, listens: false };

/** Calls of one seed. The next round has the next seed, and begins with empty tables. */
export const CALLS_PER_ROUND = 100;

/** How many calls of which kind came to what. */
export type Figures = Map<string, number>;

/**
 * Makes calls and judges them.
 *
 * @param project The database. Its tracking tables are emptied, and what is in `public` is dropped.
 * @param seed The seed of the first round.
 * @param calls How many calls.
 * @param onRound Told the seed of each round that begins.
 * @returns What they came to.
 * @throws {Error} One came to something that no call may come to: says how to have it again.
 */
export async function fuzzCalls(
  project: AnyProject,
  seed: number,
  calls: number,
  onRound: (seed: number, figures: Figures) => void = () => {},
): Promise<Figures> {
  const { sql } = project;
  const client = project.client(project.serviceKey);
  await sql(`${NO_WITNESS_SQL}${WITNESS_SQL}`);
  const figures: Figures = new Map();
  const count = (kind: string) => figures.set(kind, (figures.get(kind) ?? 0) + 1);
  const catalog = await describeCatalog(sql, { tracking: true });
  await describeConnection(client); // the first call sets two settings to what they are
  const connection = await describeConnection(client);
  for (let made = 0; made < calls; made += CALLS_PER_ROUND, seed++) {
    onRound(seed, figures);
    const many = Math.min(CALLS_PER_ROUND, calls - made);
    await sql(CLEAR_SQL);
    await sql("truncate extensions.fuzz_values");
    const maker = new CallMaker(new Random(seed));
    let before = await readTracking(sql);
    for (let number = 1; number <= many; number++) {
      const call = maker.next(before);
      let outcome: Outcome | undefined;
      try {
        outcome = await send(client, call);
        const after = await readTracking(sql);
        const kind = await judge({ call, outcome, before, after }, sql, maker.valuesOf);
        if (number % 5 === 0) assert.deepEqual(await describeConnection(client), connection);
        count(kind);
        if (JSON.stringify(call).length > 2 ** 20) count("(of more than a megabyte)");
        before = after;
      } catch (cause) {
        throw new Error(
          `Call ${number} of seed ${seed}: ${(cause as Error).message}\n` +
            `${shorten(call)}\n=> ${shorten(outcome)}\n` +
            `Again: deno task fuzz:sql --seed ${seed} --calls ${number}`,
          { cause },
        );
      }
    }
  }
  await sql(CLEAR_SQL);
  await sql("truncate extensions.fuzz_values restart identity");
  assert.deepEqual(await describeCatalog(sql, { tracking: true }), catalog);
  await sql(NO_WITNESS_SQL);
  return figures;
}

async function send(client: SupabaseClient, { name, params }: FuzzCall): Promise<Outcome> {
  const { data, error } = await client
    .rpc("exec_sql", { sql_query: STATEMENTS[name], params });
  if (error) return { error: { code: error.code ?? "", message: error.message } };
  assert.equal(data?.length, 1);
  return { result: data[0].result };
}

/** What a call may leave on the API's connection, as the next one finds it. */
async function describeConnection(client: SupabaseClient): Promise<unknown> {
  const { data, error } = await client.rpc("exec_sql", {
    sql_query: `
      select (select jsonb_object_agg(name, setting) from pg_settings
               where source = 'session' and name !~ '^(role|transaction_|search_path)') as settings,
             nullif(current_setting('app.secret', true), '') as secret,
             (select count(*) from pg_prepared_statements where from_sql) as prepared,
             (select count(*) from pg_cursors where is_holdable) as cursors,
             (select count(*) from pg_listening_channels()) as channels,
             (select count(*) from pg_locks
               where locktype = 'advisory' and pid = pg_backend_pid()) as locks
    `,
  });
  assert.equal(error, null);
  return data;
}

function shorten(value: unknown): string {
  const json = JSON.stringify(value) ?? "nothing";
  return json.length > 3000 ? `${json.slice(0, 3000)}… (${json.length} characters)` : json;
}
