/**
 * Measures what an edge function needs for many migrations, against the limits of Supabase: 256 MB,
 * 2 s of processor time and 150 s for a request.
 *
 * deno run --allow-all tests/delivery/limits.ts [migrations]
 */

import { bundle } from "../../lib/operations/bundle.ts";
import { startEdgeFunction } from "../support/edge.ts";
import { startStack } from "../support/stack.ts";

const count = Number(Deno.args[0] ?? 300);
const table = (number: number) =>
  `create table public.things_${number} (
  id uuid primary key default gen_random_uuid(),
  name text not null check (length(name) > 0),
  created_at timestamptz not null default now()
);
create index on public.things_${number} (created_at);
alter table public.things_${number} enable row level security;
create policy "their own" on public.things_${number} for select using (true);
create function public.count_things_${number}() returns bigint language sql stable
set search_path = '' as $$ select count(*) from public.things_${number} $$;
comment on table public.things_${number} is 'Things; the ${number}th kind of them';
-- ROLLBACK
drop function public.count_things_${number}();
drop table public.things_${number};
`;
const migrations = Object.fromEntries(
  Array.from({ length: count }, (_, index) => [
    `${String(index + 1).padStart(4, "0")}_things.sql`,
    table(index + 1),
  ]),
);

const folder = await Deno.makeTempDir();
const { path, bytes } = await bundle(migrations, "0.0.0", { out: `${folder}/migrate` });
console.log(`${count} migrations in ${Math.round(bytes / 1024)} KB`);
await using stack = await startStack({ major: 17 });
await using project = await stack.createProject({ installed: true, listens: false });
const start = () =>
  startEdgeFunction(path, {
    SUPABASE_URL: project.url,
    SUPABASE_SERVICE_ROLE_KEY: project.serviceKey,
    ...(Deno.args[1] === undefined ? {} : { MIGRATION_SHARE: Deno.args[1] }),
  });

/** Each request gets a function that was just started, as on a platform where all are cold. */
async function measure(what: string, body?: unknown) {
  await using edge = await start();
  const started = performance.now();
  const { status, body: { migrationsRun, migrationsRolledBack, message, error } } = await edge.call(
    project.serviceKey,
    body,
  );
  const ms = Math.round(performance.now() - started);
  console.log(
    `${what}: ${status}, ${migrationsRun ?? migrationsRolledBack ?? 0} run, ${ms} ms, ` +
      `${await edge.cpuMs()} ms of CPU from the start, ${Math.round(await edge.peakMb())} MB`,
    message ?? "",
    error ?? "",
  );
  return status;
}

await (await start())[Symbol.asyncDispose](); // A platform compiles what is deployed once.
await measure("GET before");
for (let request = 1; await measure(`POST migrate ${request}`, { command: "migrate" }) === 202;) {
  request++;
}
await measure("POST migrate, nothing to do", { command: "migrate" });
await measure("GET after");
const back = { command: "rollback", target: "0" };
for (let request = 1; await measure(`POST rollback ${request}`, back) === 202;) request++;
await Deno.remove(folder, { recursive: true });
