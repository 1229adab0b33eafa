/** Which locks statements take is measured on a shadow, with the sizes of the live tables. */

import assert from "node:assert/strict";
import { Linter } from "../../lib/lint/lint.ts";
import { formatPlanMarkdown } from "../../lib/output/plan_markdown.ts";
import { parseSql } from "../../lib/planning/parser.ts";
import { testOnEveryDatabase } from "../support/projects.ts";

const TABLES = `create table owners (id int primary key);
create table notes (id int primary key, body text, price int, owner int);
create view titles as select id, body from notes;
-- ROLLBACK
drop view titles; drop table notes, owners;`;

const CHANGES = `alter table owners add column name text;
create index notes_owner on notes (owner);
update notes set body = '' where id = 3;
alter table notes alter column price type bigint;
alter table notes alter column body set not null;
create table extras (id int);
alter table extras add column name text;`;

testOnEveryDatabase(
  "measureLocks() says which locks statements take on tables that are there, the worst first",
  async (project) => {
    const applied = { "001_tables.sql": TABLES };
    await project.migrator(applied).migrate();
    await project.sql(
      "insert into public.notes select g, 'text', g, 1 from generate_series(1, 500) g",
    );
    await project.sql("analyze public.notes");
    const migrator = project.migrator({
      ...applied,
      "002_changes.sql": CHANGES,
      "003_held.sql": "lock table notes in share mode;\nupdate notes set price = 1;",
    });
    const { planned } = await migrator.migrate({ dryRun: true });
    const locks = await migrator.measureLocks(planned);
    assert.equal(planned.length, 2);
    assert.deepEqual(
      locks.statements.map(({ migration, line, blocks, locks }) => [
        `${migration} ${line} ${blocks}`,
        ...locks.map(({ table, lock, since, rewrites, scans, buildsIndexes }) =>
          `${table} ${lock} ${since} ${rewrites} ${scans} ${buildsIndexes}`
        ),
      ]),
      [
        [
          "002_changes.sql 1 reading and writing",
          "public.owners ACCESS EXCLUSIVE null false false 0",
        ],
        [
          "002_changes.sql 4 reading and writing",
          "public.notes ACCESS EXCLUSIVE null true true 0",
        ],
        ["002_changes.sql 5 reading and writing", "public.notes ACCESS EXCLUSIVE 4 false true 0"],
        ["002_changes.sql 2 writing", "public.notes SHARE null false true 1"],
        ["002_changes.sql 3 writing", "public.notes SHARE 2 false false 0"],
        ["003_held.sql 1 writing", "public.notes SHARE null false false 0"],
        ["003_held.sql 2 writing", "public.notes SHARE 1 false true 0"],
      ],
    );
    const plan = await migrator.plan({ locks: true });
    assert.deepEqual(plan.locks, locks);
    assert.match(
      formatPlanMarkdown(plan),
      /`002_changes.sql`, line 4: `public.notes` blocked for reading and writing/,
    );
    const rewriting = locks.statements[1]!;
    assert.equal(rewriting.locks[0]!.rows, 500);
    assert.ok(rewriting.locks[0]!.bytes! >= 8192);
    assert.equal(rewriting.held, "under a second");
    assert.deepEqual(locks.notMeasured, []);
    assert.deepEqual(await project.sql("select id from public.notes where body = ''"), []);
  },
);

const TYPES = [
  ["varchar(5)", "varchar(10)", "varchar", "text", "name", "varchar(3)"],
  ["varchar", "text", "varchar(10)"],
  ["text", "varchar", "varchar(10)", 'text collate "C"'],
  ["char(5)", "char(5)", "char(10)", "text"],
  ["numeric(5,2)", "numeric(10,2)", "numeric", "numeric(10,3)", "numeric(4,2)", "numeric(12)"],
  ["numeric(5)", "numeric(5,0)", "numeric(6)", "bigint"],
  ["numeric", "numeric(5,2)"],
  ["int", "bigint", "numeric"],
  ["timestamp(3)", "timestamp(5)", "timestamp", "timestamp(2)", "date"],
  ["timestamptz", "timestamptz(6)", "timestamptz(3)"],
  ["time(3)", "time(6)", "time", "time(0)"],
  ["timetz(3)", "timetz(5)", "timetz(1)"],
  ["varbit(5)", "varbit(10)", "varbit", "varbit(4)"],
  ["bit(5)", "bit(5)", "bit(6)"],
  ["interval(3)", "interval(6)", "interval", "interval(2)", "interval day"],
  ["interval", "interval(6)", "interval day to hour", "interval(2)"],
  ["interval day", "interval", "interval day to second", "interval year to month"],
  ["interval day to second(3)", "interval day to second(5)", "interval day to second(2)"],
  ["varchar(5)[]", "varchar[]", "varchar(10)[]", "text[]"],
  ["numeric(5,2)[]", "numeric(6,2)[]"],
  ["inet", "cidr"],
  ["cidr", "inet"],
];

/** How USING may say it, of varchar(5). */
const USING = [
  "varchar(10) using c::varchar(10)",
  "varchar(10) using c",
  "text using (c)",
  "varchar(10) using c::text",
  "text using trim(c)",
];

testOnEveryDatabase(
  "type-change-rewrites tells just of those changes of a type for which rows or indexes are written",
  async (project) => {
    const changes = [
      ...TYPES.flatMap(([before, ...others]) => others.map((after) => [before!, after] as const)),
      ...USING.map((after) => ["varchar(5)", after] as const),
    ];
    const tables = changes.map(([before], index) =>
      `create table public.t${index} (id int primary key, c ${before});
create index on public.t${index} (c);`
    ).join("\n");
    await project.sql(tables);
    const readFiles = () =>
      project.sql(
        `select relname as name, pg_relation_filenode(oid)::text as file from pg_class
where relnamespace = 'public'::regnamespace and relname ~ '^t\\d+(_c_idx)?$' order by oid`,
      );
    const before = await readFiles();
    const sql = changes.map(([_, after], index) =>
      `alter table public.t${index} alter column c type ${after};`
    ).join("\n");
    await project.sql(sql);
    const after = await readFiles();
    const written = changes.map(([from, to], index) => {
      const name = new RegExp(`^t${index}(?:_c_idx)?$`);
      const [old, now] = [before, after].map((rows) =>
        JSON.stringify(rows.filter((row) => name.test(String(row.name))))
      );
      return `${from} to ${to}: ${old === now ? "kept" : "written"}`;
    });
    const linter = new Linter();
    linter.begin("001_tables.sql");
    await linter.add("001_tables.sql", { sql: tables, line: 1 }, await parseSql(tables));
    linter.begin("002_types.sql");
    await linter.add("002_types.sql", { sql, line: 1 }, await parseSql(sql));
    const told = new Set(
      linter.finish().findings.flatMap(({ code, line }) =>
        code === "type-change-rewrites" ? [line - 1] : []
      ),
    );
    assert.deepEqual(
      changes.map(([from, to], index) =>
        `${from} to ${to}: ${told.has(index) ? "written" : "kept"}`
      ),
      written,
    );
  },
);

testOnEveryDatabase(
  "PostgreSQL reads all rows for just those constraints of a new column of which rules tell",
  async (project) => {
    const columns = [
      "int",
      "int check (c > 0)",
      "int default 1 check (c > 0)",
      "int references public.others (id)",
      "int default 1 references public.others (id)",
      "int default null references public.others (id)",
      "int unique",
    ];
    const tables = columns.map((_, index) => `create table public.t${index} (id int);`).join("\n");
    await project.sql(
      `create table public.others (id int primary key);\ninsert into public.others values (1);\n` +
        tables,
    );
    const told: string[] = [];
    const read: string[] = [];
    for (const [index, column] of columns.entries()) {
      const sql = `alter table public.t${index} add column c ${column};`;
      // A row that is read under such a lock is one that PostgreSQL counts in the same transaction.
      await project.sql(`do $do$ begin
  create temp table counted as select 0 as at, seq_scan from pg_stat_xact_user_tables
    where relname = 't${index}';
  ${sql}
  insert into counted select 1, seq_scan from pg_stat_xact_user_tables where relname = 't${index}';
end $do$`);
      const [before, after] = await project.sql("select seq_scan::text from counted order by at");
      await project.sql("drop table counted");
      if (after?.seq_scan !== before?.seq_scan) read.push(column);
      const linter = new Linter();
      for (const text of [tables, sql]) {
        linter.begin(text.slice(0, 5));
        await linter.add(text.slice(0, 5), { sql: text, line: 1 }, await parseSql(text));
      }
      const codes = linter.finish().findings.map(({ code }) => code);
      if (
        codes.some((code) => /^(?:check-scans|foreign-key-scans|unique-builds-index)$/.test(code))
      ) {
        told.push(column);
      }
    }
    assert.deepEqual(told, read);
  },
);
