import assert from "node:assert/strict";
import { pairWithStatements } from "../../lib/operations/drift.ts";
import { converge } from "../../lib/schema/converge.ts";
import { openBase } from "./round_trips.ts";

const BASE = `
  create type public.mood as enum ('sad', 'ok');
  create type public.pair as (feels public.mood, n int);
  create domain public.email as text;
  create table public.t (id int primary key, mail public.email, gone int);`;

const BY_HAND = `
  alter type public.mood rename value 'sad' to 'blue';
  alter table public.t drop column mail;
  drop domain public.email;
  create domain public.email as varchar(100);
  alter table public.t add column mail public.email, add column more int, drop column gone;
  create table public.u (id int primary key);
  create view public.v with (security_invoker = on) as select id from public.t;`;

Deno.test({
  name: "what cannot be written is named once, and takes the statements of nothing else away",
  sanitizeOps: false, // PGlite keeps timers
  sanitizeResources: false,
  fn: async () => {
    const [{ shadow: project }, { shadow }] = await Promise.all([openBase(BASE), openBase(BASE)]);
    await using _project = project;
    await using _shadow = shadow;
    await project.run(BY_HAND);
    const { from, to, statements, unwritable } = await converge(shadow, await project.read());
    assert.deepEqual(unwritable.map(({ what }) => what).sort(), [
      "domain public.email",
      "type public.mood",
    ]);
    for (const { reason } of unwritable) {
      assert.match(reason, /^no statements were found for it: (?:domain|enum) /);
    }
    const about = (name: RegExp) => statements.some(({ sql }) => name.test(sql));
    assert(about(/ADD COLUMN "?more/i) && about(/CREATE TABLE "?public"?\."?u/i) && about(/VIEW/i));

    const differences = pairWithStatements(from, to);
    const has = (part: "sql" | "undo") =>
      differences.filter((difference) => difference[part].length > 0).map(({ name }) => name)
        .sort();
    assert.deepEqual(has("sql"), ["public.t.gone", "public.t.more", "public.u", "public.v"]);
    assert.deepEqual(has("undo"), ["public.t.gone", "public.t.more", "public.u", "public.v"]);
  },
});
