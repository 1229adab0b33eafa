/** Folders of other tools, as their documentation shows them, and what becomes of them. */

/** A folder of a tool. */
export interface ToolFolder {
  readonly tool: string;
  readonly files: Readonly<Record<string, string>>;
  /** Our files with their text. */
  readonly ours: Readonly<Record<string, string>>;
  /** What no migration is made of. */
  readonly notConverted: readonly string[];
  /** SQL of which not a byte is changed: others show that it is proved, which takes seconds. */
  readonly isUnchanged?: true;
}

const rollback = (up: string, down: string) => `${up}\n-- ROLLBACK\n\n${down}`;

export const folders: readonly ToolFolder[] = [
  {
    tool: "Supabase CLI",
    isUnchanged: true,
    files: {
      "20250101000000_notes.sql": "create table notes (id int);\n",
      "20250102000000_more.sql": "alter table notes add body text;\n",
    },
    ours: {
      "20250101000000_notes.sql": "create table notes (id int);\n",
      "20250102000000_more.sql": "alter table notes add body text;\n",
    },
    notConverted: [],
  },
  {
    tool: "dbmate",
    files: {
      "20250101000000_notes.sql":
        "-- migrate:up\ncreate table notes (id int);\n\n-- migrate:down\ndrop table notes;\n",
      "20250102000000_index.sql": "-- migrate:up transaction:false\n" +
        "create index concurrently notes_id on notes (id);\n-- migrate:down transaction:false\n" +
        "drop index concurrently notes_id;\n",
    },
    ours: {
      "20250101000000_notes.sql": rollback(
        "create table notes (id int);\n\n",
        "drop table notes;\n",
      ),
      "20250102000000_index.sql": rollback(
        "create index concurrently notes_id on notes (id);\n",
        "drop index concurrently notes_id;\n",
      ),
    },
    notConverted: [],
  },
  {
    tool: "golang-migrate",
    files: {
      "1_notes.up.sql": "create table notes (id int)",
      "1_notes.down.sql": "drop table notes",
      "10_last.up.sql": "create table last (id int references more);\n",
      "9_more.up.sql": "create table more (id int primary key);\n",
      "7_gone.down.sql": "drop table gone;\n",
    },
    ours: {
      "01_notes.sql": rollback("create table notes (id int)\n;\n", "drop table notes\n"),
      "09_more.sql": "create table more (id int primary key);\n",
      "10_last.sql": "create table last (id int references more);\n",
    },
    notConverted: ["7_gone.down.sql"],
  },
  {
    tool: "goose",
    files: {
      "00001_notes.sql": "-- +goose Up\ncreate table notes (id int);\n-- +goose StatementBegin\n" +
        "create function one() returns int language plpgsql as $$\nbegin\n  return 1;\nend;\n$$\n" +
        "-- +goose StatementEnd\n-- +goose Down\ndrop function one();\ndrop table notes;\n",
      "00002_index.sql": "-- +goose NO TRANSACTION\n-- +goose Up\n" +
        "create index concurrently notes_id on notes (id);\ninsert into notes values (1);\n",
      "00003_code.go": "package migrations\n",
    },
    ours: {
      "00001_notes.sql": rollback(
        "create table notes (id int);\n" +
          "create function one() returns int language plpgsql as $$\nbegin\n  return 1;\nend;\n$$\n;\n",
        "drop function one();\ndrop table notes;\n",
      ),
      "00002_index.sql": "create index concurrently notes_id on notes (id);\n\n" +
        "-- supamigrate: commit\ninsert into notes values (1);\n",
    },
    notConverted: ["00003_code.go"],
  },
  {
    tool: "node-pg-migrate",
    isUnchanged: true,
    files: {
      "1700000000000_add-notes.sql":
        "-- Up Migration\ncreate table notes (id int);\n-- Down Migration\ndrop table notes;\n",
      "1700000000001_code.js": "exports.up = (pgm) => pgm.createTable('a', { id: 'id' });\n",
    },
    ours: {
      "1700000000000_add-notes.sql": rollback(
        "create table notes (id int);\n",
        "drop table notes;\n",
      ),
    },
    notConverted: ["1700000000001_code.js"],
  },
  {
    tool: "Prisma",
    isUnchanged: true,
    files: {
      "migration_lock.toml": 'provider = "postgresql"\n',
      "20250101000000_init/migration.sql": '-- CreateTable\nCREATE TABLE "User" (\n' +
        '    "id" INTEGER NOT NULL,\n\n    CONSTRAINT "User_pkey" PRIMARY KEY ("id")\n);\n',
      "20250102000000_name/migration.sql":
        '-- AlterTable\nALTER TABLE "User" ADD COLUMN "n" TEXT;\n',
      "20250102000000_name/down.sql": '-- AlterTable\nALTER TABLE "User" DROP COLUMN "n";\n',
    },
    ours: {
      "20250101000000_init.sql": '-- CreateTable\nCREATE TABLE "User" (\n' +
        '    "id" INTEGER NOT NULL,\n\n    CONSTRAINT "User_pkey" PRIMARY KEY ("id")\n);\n',
      "20250102000000_name.sql": rollback(
        '-- AlterTable\nALTER TABLE "User" ADD COLUMN "n" TEXT;\n',
        '-- AlterTable\nALTER TABLE "User" DROP COLUMN "n";\n',
      ),
    },
    notConverted: [],
  },
  {
    tool: "Drizzle",
    files: {
      "20250101000000_init/migration.sql": 'CREATE TABLE "a" ("id" integer PRIMARY KEY)\n' +
        '--> statement-breakpoint\nCREATE TABLE "b" ("id" integer);\n',
      "20250101000000_init/snapshot.json": "{}",
    },
    ours: {
      "20250101000000_init.sql": 'CREATE TABLE "a" ("id" integer PRIMARY KEY)\n;\n' +
        'CREATE TABLE "b" ("id" integer);\n',
    },
    notConverted: [],
  },
  {
    tool: "Flyway",
    files: {
      "V1__notes.sql": "create table notes (id int);\n",
      "V1.10__last.sql": "create table last (id int references more);\n",
      "V1_2__more.sql": "create table more (id int primary key);\n",
      "U1_2__more.sql": "drop table more;\n",
      "V2__index.sql": "create index concurrently a on more (id);\nselect 1;\n",
      "R__view.sql": "create or replace view v as select 1 as one;\n",
    },
    ours: {
      "0001_1_notes.sql": "create table notes (id int);\n",
      "0002_1_2_more.sql": rollback(
        "create table more (id int primary key);\n",
        "drop table more;\n",
      ),
      "0003_1_10_last.sql": "create table last (id int references more);\n",
      "0004_2_index.sql": "create index concurrently a on more (id);\nselect 1;\n",
    },
    notConverted: ["R__view.sql"],
  },
  {
    tool: "Sqitch",
    files: {
      "sqitch.plan": "%syntax-version=1.0.0\n%project=notes\n\n" +
        "schema 2025-01-01T00:00:00Z Ada <ada@example.com> # Add the schema\n" +
        "one [schema] 2025-01-02T00:00:00Z Ada <ada@example.com> # Add one()\n" +
        "@v1 2025-01-03T00:00:00Z Ada <ada@example.com> # Tag v1\n\n" +
        "one [one@v1] 2025-01-04T00:00:00Z Ada <ada@example.com> # Rework\n",
      "deploy/schema.sql":
        "-- Deploy notes:schema to pg\n\nBEGIN;\n\ncreate schema notes;\n\nCOMMIT;\n",
      "revert/schema.sql":
        "-- Revert notes:schema from pg\n\nBEGIN;\n\ndrop schema notes;\n\nCOMMIT;\n",
      "verify/schema.sql": "-- Verify notes:schema on pg\n\nBEGIN;\nROLLBACK;\n",
      "deploy/one@v1.sql": "create function notes.one() returns int language sql as 'select 1';\n",
      "revert/one@v1.sql": "drop function notes.one();\n",
      "deploy/one.sql":
        "create or replace function notes.one() returns int language sql as 'select 2 - 1';\n",
      "revert/one.sql":
        "create or replace function notes.one() returns int language sql as 'select 1';\n",
    },
    ours: {
      "0001_schema.sql": rollback(
        "-- Deploy notes:schema to pg\n\nBEGIN;\n\ncreate schema notes;\n\nCOMMIT;\n",
        "-- Revert notes:schema from pg\n\nBEGIN;\n\ndrop schema notes;\n\nCOMMIT;\n",
      ),
      "0002_one_at_v1.sql": rollback(
        "create function notes.one() returns int language sql as 'select 1';\n",
        "drop function notes.one();\n",
      ),
      "0003_one.sql": rollback(
        "create or replace function notes.one() returns int language sql as 'select 2 - 1';\n",
        "create or replace function notes.one() returns int language sql as 'select 1';\n",
      ),
    },
    notConverted: [],
  },
  {
    tool: "graphile-migrate",
    isUnchanged: true,
    files: {
      "committed/000001.sql":
        "--! Previous: -\n--! Hash: sha1:0123\n\ncreate table notes (id int);\n",
      "committed/000002-more-notes.sql":
        "--! Previous: sha1:0123\n--! Hash: sha1:4567\n--! Message: More notes\n\n" +
        "alter table notes add body text;\n",
      "current.sql": "-- Enter migration here\ncreate table wip (id int);\n",
    },
    ours: {
      "000001_migration.sql": "create table notes (id int);\n",
      "000002_more-notes.sql": "alter table notes add body text;\n",
    },
    notConverted: ["current.sql"],
  },
];
