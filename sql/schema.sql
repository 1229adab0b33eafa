-- The tracking schema. It is private: no API role has USAGE on it, and everything in it is
-- reached through public.exec_sql alone. The script can be run again at any time.

-- What stands before pg_catalog on somebody's search_path would run with the rights of whoever
-- installs this; and what somebody's settings make of a text or a name is not what is meant here.
set local search_path = pg_catalog, pg_temp;
set local standard_conforming_strings = on;
set local quote_all_identifiers = off;

-- First of all what every writer takes first, so that a migration in flight is waited for and the
-- two cannot hold each other up.
do $block$
begin
  if to_regclass('supamigrate.migration_lock') is not null then
    set local lock_timeout = '30s';
    lock table supamigrate.migration_lock in exclusive mode;
  end if;
end
$block$;

create schema if not exists supamigrate;
comment on schema supamigrate is
  'Schema migrations: history, lock and audit log. Managed by supamigrate; change it only through the tool.';
revoke all on schema supamigrate from public;

-- One row a migration: what is in the database now, and how the last attempt ended.
create table if not exists supamigrate.migration_history (
  id                serial primary key,
  migration_name    varchar(255) not null unique,
  batch_number      integer not null,
  executed_at       timestamp with time zone default now(),
  execution_time_ms integer not null,
  checksum          varchar(64) not null,
  applied_checksum  varchar(64),
  statements_checksum text,
  status            varchar(20) default 'completed'
                    constraint known_status check (status in ('completed', 'failed', 'rolled_back')),
  rollback_sql      text,
  error_message     text,
  error             jsonb,
  progress          jsonb,
  created_at        timestamp with time zone default now()
);
comment on table supamigrate.migration_history is
  'One row a migration: what is in the database now, and how the last attempt ended';
comment on column supamigrate.migration_history.checksum is
  'SHA-256 of the forward part that was tried last';
comment on column supamigrate.migration_history.applied_checksum is
  'SHA-256 of the forward part whose effect is in the database; null when none is. Differs from checksum after a changed migration failed';
comment on column supamigrate.migration_history.rollback_sql is
  'What undoes the applied version, as its file said';
comment on column supamigrate.migration_history.error is
  'The last failure: SQLSTATE, detail, hint, statement and line of the file';

-- The one lock. A mutating call takes this row FOR UPDATE and has to name token, generation
-- and sequence: the token says who, the generation which tenure, the sequence which step.
create table if not exists supamigrate.migration_lock (
  id         integer primary key default 1,
  is_locked  boolean not null default false,
  locked_by  varchar(255),
  locked_at  timestamp with time zone,
  process_id varchar(100),
  expires_at timestamp with time zone,
  token      uuid,
  generation bigint not null default 0,
  sequence   bigint not null default 0,
  lease_ms   integer,
  log_head   text,
  constraint single_lock check (id = 1)
);
comment on table supamigrate.migration_lock is
  'The one lock of all runs, with its fencing numbers';
comment on column supamigrate.migration_lock.generation is
  'Raised by each acquisition and each release; at first the time of the installation in milliseconds, so that none is ever used again';
comment on column supamigrate.migration_lock.sequence is
  'Raised by each mutating call within a generation';
comment on column supamigrate.migration_lock.expires_at is
  'On the server''s clock: from then on another run may take over between two calls';
insert into supamigrate.migration_lock (id, generation)
values (1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
on conflict (id) do nothing;

-- What each call came to. A call that arrives again is answered from here, not done again.
create table if not exists supamigrate.operation (
  id           uuid primary key,
  generation   bigint not null,
  sequence     bigint not null,
  action       text not null,
  reply        jsonb not null,
  completed_at timestamp with time zone not null default clock_timestamp()
);
comment on table supamigrate.operation is
  'Every mutating call with its reply, committed together with its effect';

-- Who did what, when, with which version of the tool, with which result. What keeps its rows as
-- they are is in log.sql.
create table if not exists supamigrate.migration_log (
  id                bigint generated always as identity primary key,
  logged_at         timestamp with time zone not null default clock_timestamp(),
  action            text not null,
  migration_name    text,
  batch_number      integer,
  checksum          text,
  result            text not null constraint known_result check (result in ('ok', 'failed')),
  execution_time_ms integer,
  actor             text,
  tool_version      text,
  operation_id      uuid,
  details           jsonb,
  rollback_checksum text,
  hash              text
);
comment on table supamigrate.migration_log is
  'The audit log. Rows are only ever added, and each carries a hash of all before it';

-- The seeds that were run, by their path as the Supabase CLI has it.
create table if not exists supamigrate.seed_file (
  path      text primary key,
  hash      text not null,
  seeded_at timestamp with time zone not null default clock_timestamp()
);
comment on table supamigrate.seed_file is
  'The seeds that were run';
comment on column supamigrate.seed_file.hash is
  'SHA-256 of the file as it was then';

-- Parts of calls that are larger than a gateway lets through, until the call itself comes.
create table if not exists supamigrate.staged_part (
  body    uuid not null,
  number  integer not null,
  content text not null,
  constraint staged_part_pkey primary key (body, number)
);
alter table supamigrate.staged_part alter column content set storage external; -- for a moment only
comment on table supamigrate.staged_part is
  'Parts of calls that are larger than a gateway lets through';

-- What the application's schema was like when a run ended, for as long as no other one has begun.
create table if not exists supamigrate.schema_at_rest (
  id             integer primary key default 1 constraint single_schema check (id = 1),
  generation     bigint not null,
  server_version integer not null,
  objects        jsonb not null
);
comment on table supamigrate.schema_at_rest is
  'The digests of the schema''s objects when the last run ended';
comment on column supamigrate.schema_at_rest.generation is
  'The lock''s, from the end of that run to the beginning of the next';

-- Which shape of this schema is installed, so that an older tool refuses a newer one.
create table if not exists supamigrate.installation (
  id             integer primary key default 1 constraint single_installation check (id = 1),
  schema_version integer not null,
  door           text,
  installed_at   timestamp with time zone not null default now()
);
comment on table supamigrate.installation is
  'The version of this schema';
comment on column supamigrate.installation.door is
  'A digest of public.exec_sql as it was installed';

-- What older versions are without, a first installation has: nobody needs to hear of it.
set local client_min_messages = warning;

do $block$
begin
  if exists (select from supamigrate.installation where schema_version > 6) then
    raise exception 'A newer version of supamigrate is installed in this database'
      using hint = 'Use the newer tool.';
  end if;

  -- Version 1 had no hashes, and did not log what rollback SQL was stored: what is stored now
  -- counts as logged. The lock's table comes first, as it does for every writer.
  if not exists (select from supamigrate.installation where schema_version >= 2) then
    alter table supamigrate.migration_lock add column if not exists log_head text;
    alter table supamigrate.migration_log
      add column if not exists rollback_checksum text,
      add column if not exists hash text,
      disable trigger user; -- log.sql makes them anew
    update supamigrate.migration_log entry
       set rollback_checksum = encode(sha256(convert_to(history.rollback_sql, 'UTF8')), 'hex')
      from supamigrate.migration_history history
     where entry.hash is null
       and entry.id = (
         select max(id)
           from supamigrate.migration_log
          where migration_name = history.migration_name
            and result = 'ok'
            and action in ('apply', 'baseline', 'mark applied', 'refresh rollback'));
    drop function if exists supamigrate.write_log(
      jsonb, text, text, text, integer, text, integer, jsonb);
  end if;
  -- Of versions 1 and 2.
  if not exists (select from supamigrate.installation where schema_version >= 3) then
    drop function if exists supamigrate.guard_door(), supamigrate.application_objects();
  end if;
  -- Of versions 1 to 3.
  if not exists (select from supamigrate.installation where schema_version >= 4) then
    -- One has more columns now, and the others another type.
    drop function if exists
      supamigrate.logged_state(),
      supamigrate.expose_event_functions(),
      supamigrate.restore_event_functions(regprocedure[]);
    alter table supamigrate.migration_history
      add column if not exists statements_checksum text,
      add column if not exists progress jsonb;
  end if;
  -- Of versions 1 to 5: it would be one of two by now.
  if to_regprocedure('supamigrate.run_migration(jsonb, jsonb, text, text)') is not null then
    drop function supamigrate.run_migration(jsonb, jsonb, text, text);
  end if;
  if to_regprocedure('supamigrate.records_query()') is not null then
    drop function supamigrate.records_query();
  end if;
end
$block$;

comment on column supamigrate.migration_history.progress is
  'What is done of a migration of several steps that is not done as a whole: see steps.sql';
comment on column supamigrate.migration_history.statements_checksum is
  'SHA-256 of the applied version''s statements without comments and white space; null where an older version of supamigrate applied it';
comment on column supamigrate.migration_lock.log_head is
  'The hash of the last entry of the audit log, so that a log that is cut off at its end shows';
comment on column supamigrate.migration_log.rollback_checksum is
  'SHA-256 of the rollback SQL that this entry put into the history; null where it put none';
comment on column supamigrate.migration_log.hash is
  'SHA-256 of this entry and of the hash of the one before';

insert into supamigrate.installation (id, schema_version) values (1, 6)
on conflict (id) do update set schema_version = excluded.schema_version, installed_at = now();
