import assert from "node:assert/strict";
import { openForMigrations } from "../../lib/embedded/migrations.ts";
import { ConfigurationError, MigrationFileError } from "../../mod.ts";
import { listNames, withFolder } from "../support/folders.ts";
import { type AnyProject, describeEmbedded } from "../support/projects.ts";

const NOTES = "create table notes (id int primary key, body text);\n-- ROLLBACK\ndrop table notes;";

/** PGlite keeps timers beyond the end of a test. */
const embedded = { sanitizeOps: false, sanitizeResources: false } as const;

async function withProject(body: (project: AnyProject) => Promise<void>): Promise<void> {
  await using database = await openForMigrations();
  await body(describeEmbedded(database));
}

Deno.test("pull() writes the first migration of a project that has none", embedded, async () => {
  await withProject(async (project) => {
    await withFolder({}, async (folder) => {
      await project.sql(`
        create schema app;
        create table app.users (id uuid primary key, name text);
        create table public."Left Out" (id int);
        create function app.sign() returns text language sql as $$ select 'sb_secret_9XaB3kLmN0pQ7rSt' $$;`);
      const migrator = project.migrator(folder);

      // Never a key, and nothing is written unless all of it is.
      await assert.rejects(migrator.pull("start"), (error: Error) => {
        assert.ok(error instanceof ConfigurationError);
        assert.match(error.message, /holds a secret key/);
        assert.doesNotMatch(`${error.message} ${error.hint}`, /9XaB3kLm/);
        return true;
      });
      assert.deepEqual(await listNames(folder), []);

      const options = { schemas: ["app"], exclude: ["app.sign*"] };
      const shown = await migrator.pull("start", { ...options, dryRun: true });
      assert.deepEqual(await listNames(folder), []);
      assert.match(shown.text!, /CREATE TABLE app\.users \(\n {2}id uuid NOT NULL,\n/);
      assert.doesNotMatch(shown.text!, /Left Out|sign/);

      await assert.rejects(
        migrator.pull("start", { ...options, confirm: () => Promise.resolve(false) }),
        /Not confirmed/,
      );
      assert.deepEqual(await listNames(folder), []);
      assert.deepEqual((await project.records()).history, []);
    });
  });
});

Deno.test(
  "pull() takes default privileges of all schemas into the first migration",
  embedded,
  async () => {
    await withProject(async (project) => {
      await withFolder({}, async (folder) => {
        await project.sql(`
        set role postgres;
        create schema priv;
        create function public.f() returns int language sql set search_path = '' as 'select 1';
        revoke all on function public.f from public, anon, authenticated;
        create sequence public.numbers;
        create type public.mood as enum ('ok');
        alter default privileges for role postgres grant usage on schemas to authenticated;
        alter default privileges for role postgres grant select on tables to authenticated;
        alter default privileges for role postgres grant usage on sequences to anon;
        alter default privileges for role postgres revoke execute on functions from public;
        alter default privileges for role postgres revoke usage on types from public;
        alter default privileges for role postgres in schema public grant select on tables to anon;
        reset role;`);
        const migrator = project.migrator(folder);
        const { text } = await migrator.pull("first");
        const [forward] = text!.split("-- ROLLBACK");
        const written = forward!.matchAll(/^ALTER DEFAULT PRIVILEGES FOR ROLE postgres (.*);$/gm);
        assert.deepEqual([...written].map(([, what]) => what).sort(), [
          "GRANT SELECT ON TABLES TO authenticated",
          "GRANT USAGE ON SCHEMAS TO authenticated",
          "GRANT USAGE ON SEQUENCES TO anon",
          "IN SCHEMA public GRANT SELECT ON TABLES TO anon",
          "REVOKE ALL ON FUNCTIONS FROM PUBLIC",
          "REVOKE ALL ON TYPES FROM PUBLIC",
        ]);
        assert.doesNotMatch(forward!, /^REVOKE .* ON SCHEMA/m);
        assert.deepEqual((await migrator.drift()).differences, []);
      });
    });
  },
);

/** What the API's roles have of relations and their columns; but for what is part of a column. */
const API_PRIVILEGES = `
  select c.oid::regclass::text as relation, a.grantee::regrole::text as grantee,
         string_agg(a.privilege_type, ', ' order by a.privilege_type) as privileges
    from pg_class c cross join aclexplode(c.relacl) a
   where c.relnamespace in ('public'::regnamespace, 'app'::regnamespace)
     and a.grantee in ('anon'::regrole, 'authenticated'::regrole)
     and not exists (select from pg_depend d where d.objid = c.oid and d.deptype = 'i' and c.relkind = 'S')
   group by 1, 2
   union all
  select attrelid::regclass || '.' || attname, null, attacl::text
    from pg_attribute where attacl is not null and attrelid = 'public.columns_shown'::regclass
   order by 1, 2`;

Deno.test(
  "pull() takes what is closed to a project that grants everything by default, and it stays closed",
  embedded,
  async () => {
    await withProject(async (project) => {
      await withFolder({}, async (folder) => {
        await project.sql(`
        set role postgres;
        create schema app;
        grant usage on schema app to anon, authenticated;
        create schema inner_room;
        create table inner_room.plans (id int primary key);
        create table public.closed (id serial primary key, body text);
        create table public.counted (id int generated always as identity primary key);
        create table public.parted (id int) partition by range (id);
        create table public.part partition of public.parted for values from (0) to (10);
        create view public.seen as select id from public.closed;
        create materialized view public.summed as select count(*) from public.closed;
        create sequence public.numbers;
        create table app.closed (id int primary key);
        create table public.shown (id int primary key, body text);
        grant select on public.shown to anon;
        grant select, insert on public.shown to authenticated;
        create table public.columns_shown (id int primary key, body text);
        grant select (id) on public.columns_shown to anon;
        grant insert on public.columns_shown to authenticated;
        grant select (body) on public.columns_shown to authenticated;
        create extension pg_trgm schema public;
        create function public.closed_too() returns int language sql set search_path = '' as 'select 1';
        revoke all on function public.closed_too from public, anon, authenticated;
        reset role;`);
        const migrator = project.migrator(folder);
        const { name, text } = await migrator.pull("start");
        assert.match(text!, /^REVOKE ALL ON TABLE app\.closed FROM anon;$/m);
        assert.doesNotMatch(text!, /REVOKE .* (?:inner_room|public\.similarity)/);
        await project.sql(`
        set role postgres;
        drop materialized view public.summed;
        create materialized view public.summed as select sum(id) from public.closed;
        reset role;`);
        const changed = await migrator.pull("changed", { renames: [] });
        assert.deepEqual((await migrator.drift()).differences, []);
        assert.equal((await migrator.verify({ names: [name!, changed.name!] })).success, true);
        assert.equal((await migrator.pull("again")).name, null);

        await withProject(async (second) => {
          await second.sql(`
          set role postgres;
          alter default privileges in schema public
            grant all on tables to anon, authenticated, service_role;
          alter default privileges in schema public
            grant all on sequences to anon, authenticated, service_role;
          reset role;`);
          const other = second.migrator(folder);
          assert.equal((await other.migrate()).success, true);
          const [open] = await second.sql(`
          select has_table_privilege('anon', 'public.closed', 'select') as table,
                 has_table_privilege('anon', 'public.summed', 'select') as view`);
          assert.deepEqual(open, { table: false, view: false });
          assert.deepEqual(await second.sql(API_PRIVILEGES), await project.sql(API_PRIVILEGES));
          assert.deepEqual((await other.drift()).differences, []);
        });
        const { findings } = await migrator.validate();
        assert.deepEqual(findings.filter(({ code }) => code === "table-without-grant"), []);
      });
    });
  },
);

Deno.test(
  "carriage returns are kept in strings, and in bodies they are no difference",
  embedded,
  async () => {
    await withProject(async (project) => {
      const body = "begin\n  return 'x';\nend";
      const migration =
        `create function f() returns text language plpgsql set search_path = '' as $$${body}$$;
-- ROLLBACK
drop function f();`;
      await withFolder({ "001_f.sql": migration }, async (folder) => {
        const migrator = project.migrator(folder);
        await migrator.migrate();
        const replaced = migration.split("\n--")[0]!.replaceAll("\n", "\r\n")
          .replace("create function f", "create or replace function public.f");
        await project.sql(replaced);
        assert.deepEqual((await migrator.drift()).differences, []);

        await project.sql(`set role postgres;
        create function public.g() returns text language plpgsql set search_path = ''
          as $$${body.replaceAll("\n", "\r\n")}$$;
        create type public.ends as enum (E'a\\rb');
        create table public.t (
          id int, a text default E'x\\r\\ny', b text default E'it''s \\\\ \\r', check (a <> E'\\r')
        );
        comment on table public.t is E'a\\r\\nb\\\\';
        create view public.v with (security_invoker) as select E'\\r' as x;
        create function public.h() returns text language sql set search_path = ''
          begin atomic select E'a\\r\\nb'; end;
        create statistics public.s on a, b from public.t;
        comment on statistics public.s is E'a\\rb';
        reset role;`);
        const { text } = await migrator.pull("returns");
        assert.doesNotMatch(text!, /\r/);
        assert.match(text!, /DEFAULT E'x\\r\ny'::text/);
        assert.match(text!, /IS E'a\\r\nb\\\\';/);
        assert.deepEqual((await migrator.drift()).differences, []);
        const [{ comment }] = await project.sql(
          "select obj_description('public.t'::regclass) as comment",
        ) as [{ comment: string }];
        assert.equal(comment, "a\r\nb\\");
      });
    });
  },
);

Deno.test("pull() asks what was renamed, and never guesses it", embedded, async () => {
  await withProject(async (project) => {
    await withFolder({ "001_notes.sql": NOTES }, async (folder) => {
      const migrator = project.migrator(folder);
      await migrator.migrate();
      await project.sql(`
        alter table public.notes rename to memos;
        alter table public.memos rename column body to "user";`);
      await assert.rejects(migrator.pull("names"), {
        message: "Was the table public.notes renamed to public.memos, or dropped, and " +
          "public.memos made anew?",
      });
      await assert.rejects(
        migrator.pull("names", { renames: [{ from: "public.nothing", to: "public.memos" }] }),
        /Nothing shows that public\.nothing was renamed/,
      );
      assert.deepEqual(await listNames(folder), ["001_notes.sql"]);

      const asked: string[] = [];
      const { text, renamed } = await migrator.pull("names", {
        confirmRename: ({ from, to }) => {
          asked.push(`${from} ${to}`);
          return Promise.resolve(true);
        },
      });
      assert.deepEqual(asked, [
        "public.notes public.memos",
        "public.memos.body public.memos.user",
      ]);
      assert.equal(renamed.length, 2);
      assert.match(text!, /ALTER TABLE public\.memos RENAME COLUMN body TO "user";/);
      assert.doesNotMatch(text!, /DROP|CREATE/);
    });
  });
});

Deno.test("pull() asks whether a schema was renamed and a table moved", embedded, async () => {
  await withProject(async (project) => {
    const files = {
      "001_app.sql":
        "create schema app;\ncreate table app.users (id int primary key, name text);\n" +
        "create view app.names with (security_invoker) as select name from app.users;\n" +
        `${NOTES.split("--")[0]}-- ROLLBACK\ndrop table notes; drop schema app cascade;`,
    };
    await withFolder(files, async (folder) => {
      const migrator = project.migrator(folder);
      await migrator.migrate();
      await project.sql(`
        insert into app.users values (1, 'Ada');
        alter schema app rename to "the app";
        alter table public.notes set schema "the app";
        alter table "the app".users rename column name to called;`);
      await assert.rejects(migrator.pull("names"), (error: ConfigurationError) => {
        assert.match(error.message, /Was the schema app renamed to the app, or/);
        assert.match(error.hint!, /^Say --rename 'app=the app', or --no-renames/);
        return true;
      });
      const asked: string[] = [];
      const { text } = await migrator.pull("names", {
        confirmRename: ({ kind, from, to }) => {
          asked.push(`${kind} ${from} ${to}`);
          return Promise.resolve(true);
        },
      });
      assert.deepEqual(asked, [
        "schema app the app",
        "table public.notes the app.notes",
        "column the app.users.name the app.users.called",
      ]);
      assert.doesNotMatch(text!, /(DROP|CREATE) TABLE|(DROP|ADD) COLUMN/);
      assert.match(text!, /ALTER SCHEMA app RENAME TO "the app";/);
      assert.match(text!, /ALTER TABLE public\.notes SET SCHEMA "the app";/);

      await project.sql(`create schema archive; alter table "the app".notes set schema archive;`);
      const moved = await migrator.pull("archived", {
        renames: [{ from: "the app.notes", to: "archive.notes" }],
      });
      assert.match(
        moved.text!,
        /CREATE SCHEMA archive;\n+ALTER TABLE "the app"\.notes SET SCHEMA archive;/,
      );
      assert.deepEqual((await migrator.drift()).differences, []);
      assert.deepEqual((await migrator.verify({ names: [moved.name!] })).success, true);
    });
  });
});

Deno.test(
  "pull() asks whether types, what they have, and sequences were renamed",
  embedded,
  async () => {
    const made = `create type mood as enum ('sad', 'ok', 'it''s fine');
create type place as (x int, y int);
create type span as range (subtype = int4);
create domain age as int check (value > 0);
create collation plain (locale = 'C');
create sequence numbers;
create table people (
  id serial primary key, mood mood default 'sad', place place, span span, age age,
  name text collate plain, number int default nextval('numbers')
);
create function is_ok(mood) returns boolean language sql immutable set search_path = ''
  as $$ select true $$;
alter table people add check (is_ok(mood));
-- ROLLBACK
drop table people; drop function is_ok; drop sequence numbers; drop collation plain;
drop type mood, place, span; drop domain age;`;
    await withProject(async (project) => {
      await withFolder({ "001_people.sql": made }, async (folder) => {
        const migrator = project.migrator(folder);
        await migrator.migrate();
        await project.sql(`
        insert into public.people (place, span, age) values ('(1,2)', '[1,2)', 3);
        alter type public.mood rename value 'sad' to 'gloomy';
        alter type public.mood rename value 'it''s fine' to 'it''s well';`);
        await assert.rejects(migrator.pull("names"), {
          message: "Was the value public.mood.sad renamed to public.mood.gloomy, or dropped, and " +
            "public.mood.gloomy made anew?",
        });
        const values = await migrator.pull("values", {
          renames: [
            { from: "public.mood.sad", to: "public.mood.gloomy" },
            { from: "public.mood.it's fine", to: "public.mood.it's well" },
          ],
        });
        assert.match(values.text!, /ALTER TYPE public\.mood RENAME VALUE 'sad' TO 'gloomy';/);
        assert.match(values.text!, /RENAME VALUE 'it''s well' TO 'it''s fine';/);
        assert.doesNotMatch(values.text!, /DROP|CREATE|COLUMN/);

        await project.sql(`
        create schema app;
        alter type public.mood set schema app;
        alter type public.place rename to spot;
        alter type public.spot rename attribute x to z;
        alter type public.span rename to stretch;
        alter domain public.age rename to years;
        alter collation public.plain rename to simple;
        alter sequence public.numbers rename to digits;
        alter sequence public.people_id_seq rename to people_numbers;`);
        const asked: string[] = [];
        const types = await migrator.pull("types", {
          confirmRename: ({ kind, from, to }) => {
            asked.push(`${kind} ${from} ${to}`);
            return Promise.resolve(true);
          },
        });
        assert.deepEqual(asked.sort(), [
          "attribute public.spot.x public.spot.z",
          "collation public.plain public.simple",
          "domain public.age public.years",
          "sequence public.numbers public.digits",
          "sequence public.people_id_seq public.people_numbers",
          "type public.mood app.mood",
          "type public.place public.spot",
          "type public.span public.stretch",
        ]);
        assert.doesNotMatch(types.text!, /(DROP|CREATE) (?!SCHEMA)|COLUMN/);
        // What a function takes has another name, and it is no new function.
        assert.deepEqual(types.warnings, []);
        const { success } = await migrator.verify({ names: [values.name!, types.name!] });
        assert.ok(success);
        assert.deepEqual((await migrator.drift()).differences, []);
      });
    });
  },
);

Deno.test(
  "pull() asks of a value that is new only where an old one may have been",
  embedded,
  async () => {
    await withProject(async (project) => {
      const files = {
        "001_mood.sql": "create type mood as enum ('a', 'b', 'c');\n-- ROLLBACK\ndrop type mood;",
      };
      await withFolder(files, async (folder) => {
        const migrator = project.migrator(folder);
        await migrator.migrate();
        await project.sql(`
        alter type public.mood rename value 'b' to 'z';
        alter type public.mood add value 'first' before 'a';`);
        const asked: string[] = [];
        const { text } = await migrator.pull("names", {
          confirmRename: ({ from, to }) => {
            asked.push(`${from} ${to}`);
            return Promise.resolve(true);
          },
        });
        assert.deepEqual(asked, ["public.mood.b public.mood.z"]);
        assert.match(text!, /ADD VALUE 'first' BEFORE 'a'/);
      });
    });
  },
);

Deno.test("diff() writes what files declare, whatever their order", embedded, async () => {
  await withProject(async (project) => {
    const files = {
      "migrations/001_notes.sql": NOTES,
      "schemas/a_view.sql": "create view public.titles with (security_invoker) as\n" +
        "  select id, title from public.notes;",
      "schemas/notes.sql": "create table notes (id int primary key, body text, title text);\n",
    };
    await withFolder(files, async (folder) => {
      const migrator = project.migrator(`${folder}/migrations`);
      const requests = project.requests;
      const { text, path } = await migrator.diff("titles", { schema: `${folder}/schemas` });
      assert.equal(await Deno.readTextFile(path!), text);
      assert.match(text!, /ADD COLUMN title text;\n\nCREATE VIEW public\.titles[^]*DROP VIEW/);
      assert.equal((await migrator.diff("more", { schema: `${folder}/schemas` })).name, null);
      assert.equal(project.requests, requests);

      await Deno.writeTextFile(
        `${folder}/schemas/wrong.sql`,
        "create table fine ();\ncreate view wrong as\n  select * from nowhere;\n",
      );
      await assert.rejects(
        migrator.diff("more", { schema: `${folder}/schemas` }),
        (error: Error) => {
          assert.ok(error instanceof MigrationFileError);
          assert.equal(error.message, 'relation "nowhere" does not exist');
          assert.equal(error.position.file, `${folder}/schemas/wrong.sql`);
          assert.equal(error.position.line, 2);
          return true;
        },
      );
    });
  });
});

Deno.test("squash() writes nothing that would lose rows", embedded, async () => {
  await withProject(async (project) => {
    const files = {
      "001_notes.sql": NOTES,
      "002_rows.sql": "insert into notes values (1, 'x');\n-- ROLLBACK\ndelete from notes;",
    };
    await withFolder(files, async (folder) => {
      await assert.rejects(
        project.migrator(folder).squash("all", { flatten: true }),
        /does not put the same rows there: public\.notes/,
      );
      assert.deepEqual(await listNames(folder), Object.keys(files));
    });
  });
});

Deno.test(
  "squash() refuses a name that would end a comment's line: the rest of it would be SQL",
  embedded,
  async () => {
    await withProject(async (project) => {
      const files = {
        "001_notes.sql": NOTES,
        "002_x\ndrop table notes;\n--.sql": "select;\n-- ROLLBACK\nselect;",
      };
      await withFolder(files, async (folder) => {
        await assert.rejects(
          project.migrator(folder).squash("all"),
          /^ConfigurationError: The name \"002_x\\ndrop table notes;\\n--\.sql\" has characters that no comment can have/,
        );
        assert.deepEqual(await listNames(folder), Object.keys(files));
      });
    });
  },
);

Deno.test("squash() asks no rollback of files that do nothing", embedded, async () => {
  await withProject(async (project) => {
    const files = {
      "001_notes.sql": NOTES,
      "002_nothing.sql": "-- nothing yet\n",
    };
    await withFolder(files, async (folder) => {
      const { warnings } = await project.migrator(folder).squash("all");
      assert.deepEqual(warnings, []);
    });
  });
});
