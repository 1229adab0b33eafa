/** What migrations of a round take, and whether all of it is there, or kept. @module */

import type { ClientEnd } from "./client.ts";
import type { Lane } from "./lane.ts";
import type { PlannedClient, PlannedFile } from "./plan.ts";

/** Something that a migration takes from its table, and what its rollback says of it. */
interface Loss {
  /** `it` is the table. */
  readonly up: (it: string) => readonly string[];
  readonly down?: (it: string) => readonly string[];
  /** Whether the rollback leaves no place for it: then it has to stay in its copy. */
  readonly forGood?: boolean;
}

const COLUMNS = "number integer primary key, inscribed text, weight integer";

/** How many rows the table of each migration has. */
const ROWS = 20;

/** Every way to lose something, alone and one upon the other. */
export const LOSSES = {
  "deleted": { up: (it) => [`delete from ${it} where number > 5;`] },
  "overwritten": { up: (it) => [`update ${it} set inscribed = 'other' where number < 15;`] },
  "overwritten twice": {
    up: (it) => [
      `update ${it} set inscribed = 'other' where number % 2 = 0;`,
      `update ${it} set inscribed = 'yet another', weight = -weight where number % 3 = 0;`,
    ],
  },
  "overwritten, then deleted": {
    up: (it) => [`update ${it} set weight = 0;`, `delete from ${it} where number < 12;`],
  },
  "inserted, then deleted": {
    up: (it) => [
      `insert into ${it} select n, 'own', n from generate_series(101, 105) n;`,
      `delete from ${it} where number > 16;`,
    ],
  },
  "inserted, overwritten, then deleted": {
    up: (it) => [
      `insert into ${it} values (101, 'own', 0);`,
      `update ${it} set inscribed = 'other' where number > 10;`,
      `delete from ${it} where number > 8;`,
    ],
  },
  "truncated": { up: (it) => [`truncate ${it};`] },
  "column dropped": {
    up: (it) => [`alter table ${it} drop column inscribed;`],
    down: (it) => [`alter table ${it} add column inscribed text;`],
  },
  "overwritten, then the column dropped": {
    up: (it) => [
      `update ${it} set inscribed = 'other' where number > 3;`,
      `alter table ${it} drop column inscribed;`,
    ],
    down: (it) => [`alter table ${it} add column inscribed text;`],
  },
  "narrowed": {
    up: (it) => [`alter table ${it} alter column weight type smallint using 0;`],
    down: (it) => [`alter table ${it} alter column weight type integer;`],
  },
  "table dropped": {
    up: (it) => [`drop table ${it};`],
    down: (it) => [`create table ${it} (${COLUMNS});`],
  },
  "deleted, then the table dropped": {
    up: (it) => [`delete from ${it} where number = 7;`, `drop table ${it};`],
    down: (it) => [`create table ${it} (${COLUMNS});`],
  },
  "column dropped for good": {
    up: (it) => [`alter table ${it} drop column if exists inscribed;`],
    forGood: true,
  },
  "table dropped for good": { up: (it) => [`drop table if exists ${it};`], forGood: true },
} as const satisfies Readonly<Record<string, Loss>>;

export type LossName = keyof typeof LOSSES;

const lossOf = (file: PlannedFile): Loss | undefined => file.loses && LOSSES[file.loses];

const tableOf = ({ name }: PlannedFile) => `_heirs.heir_${name.replace(".sql", "")}`;

/** The statements of a migration that take what is there, and those of its rollback. */
export function writeLoss(file: PlannedFile): { up: readonly string[]; down: readonly string[] } {
  const { up, down } = lossOf(file) ?? {};
  return { up: up?.(tableOf(file)) ?? [], down: down?.(tableOf(file)) ?? [] };
}

/** Makes the tables that migrations are to take from. */
export async function makeHeirs(lane: Lane, files: readonly PlannedFile[]): Promise<void> {
  const tables = files.filter(({ loses }) => loses !== undefined).map((file) => {
    const it = tableOf(file);
    return `create table ${it} (${COLUMNS});
      insert into ${it} select n, md5('${it}' || n), n * 1000 from generate_series(1, ${ROWS}) n;`;
  });
  if (tables.length === 0) return;
  await lane.sql(`
    begin;
    create schema _heirs authorization postgres;
    set local role postgres;
    ${tables.join("\n")}
    commit`);
}

interface Found {
  readonly invariant: string;
  readonly violation: string;
}

const LOST = "no kept row is lost";

/**
 * Whether each value of before is in its table, or in a copy of what its migration has taken; whether the
 * table of a migration that is not applied is as it was; and whether no copy is there in part. What somebody
 * has dropped with `backups drop` is gone.
 *
 * @param since The last entry of the log from before the round.
 */
export async function checkCopies(
  lane: Lane,
  files: readonly PlannedFile[],
  since: unknown,
): Promise<Found[]> {
  const found: Found[] = [];
  const report = (violation: string) => void found.push({ invariant: LOST, violation });

  const copies = await lane.sql(`
    select id, migration_name, copy_name, kind, is_open and purpose = 'apply' as is_open,
           array(select item->>'name' from jsonb_array_elements(columns) item) as columns
      from supamigrate.safety_copy`);
  for (
    const { violation } of await lane.sql(`
    select format('%s is %s', coalesce(copy_name, relname),
                  case when relname is null then 'listed, and not there' else 'there, and not listed' end) as violation
      from (select copy_name from supamigrate.safety_copy where copy_name is not null) listed
      full join (select relname from pg_class
                  where relnamespace = to_regnamespace('supamigrate_backup') and relkind = 'r') there
        on relname = copy_name
     where relname is null or copy_name is null
    union all
    select format('%s may use the schema supamigrate_backup', role_name)
      from unnest(array['anon', 'authenticated', 'service_role']) role_name
     where has_schema_privilege(role_name, to_regnamespace('supamigrate_backup')::oid, 'usage')`)
  ) {
    report(String(violation));
  }
  const bereft = new Set(
    (await lane.sql(
      `select distinct made.migration
         from supamigrate.migration_log log
        cross join lateral jsonb_array_elements_text(log.details->'copies') dropped (id)
        cross join lateral (
          select migration from _chaos.copy_note
           where copy = dropped.id::bigint and made_at < log.logged_at
           order by number desc limit 1) made
        where log.id > $1 and log.action = 'drop copies'`,
      [since],
    )).map(({ migration }) => String(migration)),
  );
  const history = await lane.sql(`
    select migration_name, applied_checksum is not null as applied, progress is not null as in_part
      from supamigrate.migration_history`);

  for (const file of files) {
    const loss = lossOf(file);
    if (loss === undefined) continue;
    const it = tableOf(file);
    const its = copies.filter(({ migration_name }) => migration_name === file.name);
    const { applied = false, in_part = false } = history.find(({ migration_name }) =>
      migration_name === file.name
    ) ?? {};
    if (applied !== true && in_part !== true && its.some(({ is_open }) => is_open === true)) {
      report(`${file.name} is not applied, and has copies that are to be put back`);
    }
    if (bereft.has(file.name)) continue;

    const [table] = await lane.sql(
      `select to_regclass($1) is not null as is_there,
              exists (select from pg_attribute where attrelid = to_regclass($1) and attname = 'inscribed'
                        and not attisdropped) as is_inscribed`,
      [it],
    );
    const sources = [
      ...(table?.is_there === true
        ? [{ name: it, columns: ["weight", ...(table.is_inscribed === true ? ["inscribed"] : [])] }]
        : []),
      ...its.filter(({ copy_name }) => copy_name !== null).map(({ copy_name, columns }) => ({
        name: `supamigrate_backup."${copy_name}"`,
        columns: columns as string[],
      })),
    ];
    const known = sources.map(({ name, columns }) =>
      `select number, ${columns.includes("inscribed") ? "inscribed" : "null"}::text as inscribed,
              ${columns.includes("weight") ? "weight" : "null"}::int as weight from ${name}`
    );
    const [{ lost } = { lost: ROWS }] = known.length === 0 ? [] : await lane.sql(
      `select count(*)::int as lost from generate_series(1, ${ROWS}) wanted
        where not exists (select from (${known.join(" union all ")}) known
                           where known.number = wanted and known.inscribed = md5($1 || wanted))
           or not exists (select from (${known.join(" union all ")}) known
                           where known.number = wanted and known.weight = wanted * 1000)`,
      [it],
    );
    if (lost !== 0) {
      report(
        `${lost} rows of ${it} (${file.loses}) are neither there as they were, nor in one of ` +
          `${its.length} copies`,
      );
    }
    if (applied === true || in_part === true || loss.forGood === true) continue;
    const [right] = table?.is_inscribed !== true ? [] : await lane.sql(
      `select count(*)::int as rows,
              count(distinct number) filter (
                where inscribed = md5($1 || number) and weight = number * 1000)::int as right_ones
         from ${it}`,
      [it],
    );
    if (right?.rows !== ROWS || right.right_ones !== ROWS) {
      report(
        `${file.name} (${file.loses}) is not applied, and ${
          right?.right_ones ?? 0
        } of ${ROWS} rows ` +
          `are as they were, of ${right?.rows ?? 0} that are there`,
      );
    }
  }
  return found;
}

/**
 * Whether the copies that a client says it has dropped are those that the log says.
 *
 * @param holder Who it was, as the log has it.
 * @param since The last entry of the log from before the round.
 */
export async function checkDropped(
  lane: Lane,
  { client, end }: { client: PlannedClient; end: ClientEnd },
  holder: string,
  since: unknown,
): Promise<Found[]> {
  if (client.command !== "backups drop") return [];
  const [row] = await lane.sql(
    `select coalesce(jsonb_agg(dropped.id order by dropped.id::int), '[]') as dropped, count(distinct log.id)::int as times
       from supamigrate.migration_log log
      cross join lateral jsonb_array_elements_text(details->'copies') dropped (id)
      where log.id > $1 and action = 'drop copies' and actor = $2`,
    [since, holder],
  );
  const dropped = row!.dropped as string[];
  const found: Found[] = [];
  const report = (violation: string) =>
    void found.push({ invariant: "the exit code tells the truth", violation });
  if (Number(row!.times) > 1) report(`${holder} has dropped copies ${row!.times} times`);
  if (end.code === 0 && client.args.includes("--json")) {
    const said = JSON.parse(end.stdout).dropped.map(({ id }: { id: number }) => String(id));
    if (said.sort().join() !== dropped.toSorted().join()) {
      report(`${holder} claims to have dropped ${said}, the log says ${dropped}`);
    }
  }
  if ([1, 2, 3].includes(end.code ?? 0) && dropped.length > 0) {
    report(`${holder} ended with ${end.code}, and has dropped ${dropped}`);
  }
  return found;
}
