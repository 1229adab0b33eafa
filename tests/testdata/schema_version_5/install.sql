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
  if exists (select from supamigrate.installation where schema_version > 5) then
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
    drop function if exists supamigrate.logged_state(); -- it has more columns now
    alter table supamigrate.migration_history
      add column if not exists statements_checksum text,
      add column if not exists progress jsonb;
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

insert into supamigrate.installation (id, schema_version) values (1, 5)
on conflict (id) do update set schema_version = excluded.schema_version, installed_at = now();

-- What a migration finds in its session, and how the connection is left after it.

-- The search_path that the owner has in a session of its own in this database: ALTER ROLE … SET and
-- ALTER DATABASE … SET, the more special one first, else what Supabase gives the role postgres.
create or replace function supamigrate.default_search_path() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce((
    select substr(item, length('search_path=') + 1)
      from pg_db_role_setting s
     cross join unnest(s.setconfig) item
     where item like 'search\_path=%'
       and s.setrole in (0, to_regrole(quote_ident(current_user)))
       and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
     order by s.setrole <> 0 desc, s.setdatabase <> 0 desc
     limit 1), '"$user", public, extensions')
$function$;

-- What a migration may expect of its session, beyond PostgreSQL's defaults. lock_timeout is what
-- the API's own role has, so that a migration that cannot get its table fails and is undone
-- instead of queueing the whole application behind it; a migration can set its own.
create or replace function supamigrate.set_defaults() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  set local lock_timeout = '8s';
  set local statement_timeout = 0;
  -- As the client has read the statements, to take them apart.
  set local standard_conforming_strings = on;
  begin
    -- safeupdate refuses UPDATE and DELETE without WHERE, which migrations may well contain. With
    -- supautils the owner may SET it, and not with set_config().
    set local safeupdate.enabled = off;
  exception when insufficient_privilege then
    null; -- explain_failure() says what to do where it matters
  end;
end
$function$;

-- Leaves a connection clean. PostgREST pools connections, so what a migration leaves behind would
-- show in other users' requests.
--
-- Settings and temporary objects go with the transaction if it is undone; advisory locks of the
-- session and prepared statements do not, so this is called after failures as well. Prepared
-- statements of the protocol (from_sql is false) are PostgREST's own.
create or replace function supamigrate.leave_clean() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  leftover text;
begin
  -- The cursors that are open, which keep temporary objects in use. That of the call which this is
  -- part of is active, and left alone; where somebody calls exec_sql from a loop of their own, theirs
  -- is not to be closed.
  begin
    execute 'close all';
  exception when invalid_cursor_state then
    null;
  end;
  reset all;
  -- That ended the callers' own settings as well, and they are not done yet.
  set local search_path = pg_catalog, pg_temp;
  set local standard_conforming_strings = on;
  set local quote_all_identifiers = off;
  discard temp;
  unlisten *;
  perform pg_advisory_unlock_all();
  for leftover in select name from pg_prepared_statements where from_sql loop
    execute format('deallocate %I', leftover);
  end loop;
end
$function$;

-- The audit log only grows, and shows where it was changed all the same: each entry carries a hash
-- of itself and of the hash before it, and the lock row keeps the last one. Who owns the tables
-- can rewrite all of that; whoever noted a hash down elsewhere finds that out as well.

create or replace function supamigrate.refuse_log_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  raise exception 'supamigrate.migration_log is append-only: % refused', lower(tg_op)
    using errcode = 'insufficient_privilege';
end
$function$;

-- Built-in functions alone, and no text form that a setting of the session has a say in: a
-- migration may have set TimeZone or DateStyle by the time that its entry is written. An array
-- of JSON tells null from '' and one column from the next.
create or replace function supamigrate.hash_entry(previous text, entry supamigrate.migration_log)
returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select encode(sha256(convert_to(jsonb_build_array(
    previous, entry.id, (extract(epoch from entry.logged_at) * 1000000)::bigint,
    entry.action, entry.migration_name, entry.batch_number, entry.checksum, entry.result,
    entry.execution_time_ms, entry.actor, entry.tool_version, entry.operation_id,
    entry.details, entry.rollback_checksum)::text, 'UTF8')), 'hex')
$function$;

-- Every writer has the lock row already, so that entries are chained in the order of their
-- numbers. What a subtransaction takes back, it takes back with its link.
create or replace function supamigrate.chain_entry() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  -- The sequence, which its owner can set anywhere, has no say in the order. Who writes past the
  -- tool's functions has not got the lock row yet.
  perform from supamigrate.migration_lock where id = 1 for update;
  new.id := (select coalesce(max(id), 0) + 1 from supamigrate.migration_log);
  update supamigrate.migration_lock
     set log_head = supamigrate.hash_entry(log_head, new)
   where id = 1
  returning log_head into strict new.hash;
  return new;
end
$function$;

-- ALWAYS: whatever session_replication_role says.
create or replace trigger migration_log_is_append_only
  before update or delete or truncate on supamigrate.migration_log
  for each statement execute function supamigrate.refuse_log_change();
create or replace trigger migration_log_is_chained
  before insert on supamigrate.migration_log
  for each row execute function supamigrate.chain_entry();
alter table supamigrate.migration_log
  enable always trigger migration_log_is_append_only,
  enable always trigger migration_log_is_chained;

-- Whether each entry has the hash that it should have, and the last one is the one that the lock
-- row keeps. Returns {entries, head, broken_entry, complete}.
create or replace function supamigrate.verify_log() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with chain as (
    select entry.id, entry.hash,
           supamigrate.hash_entry(lag(entry.hash) over (order by entry.id), entry) as expected
      from supamigrate.migration_log entry
  )
  select jsonb_build_object(
    'entries', (select count(*) from chain),
    'head', log_head,
    'broken_entry', (select min(id) from chain where hash is distinct from expected),
    'complete', log_head is not distinct from (
      select hash from supamigrate.migration_log order by id desc limit 1))
    from supamigrate.migration_lock
   where id = 1
$function$;

-- Takes the log as it stands for what it should be: for entries from before there were hashes,
-- and where someone has looked into a broken chain. That it was done is an entry of its own.
create or replace function supamigrate.rechain_log() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  entry supamigrate.migration_log;
  head_before text;
  previous text;
  expected text;
  first_entry bigint;
  entries bigint := 0;
begin
  select log_head into strict head_before from supamigrate.migration_lock where id = 1 for update;
  alter table supamigrate.migration_log disable trigger migration_log_is_append_only;
  for entry in select * from supamigrate.migration_log order by id loop
    expected := supamigrate.hash_entry(previous, entry);
    if entry.hash is distinct from expected then
      update supamigrate.migration_log set hash = expected where id = entry.id;
      first_entry := coalesce(first_entry, entry.id);
      entries := entries + 1;
    end if;
    previous := expected;
  end loop;
  alter table supamigrate.migration_log enable always trigger migration_log_is_append_only;
  update supamigrate.migration_lock set log_head = previous where id = 1;
  insert into supamigrate.migration_log (id, action, result, actor, details)
  overriding system value
  values (0, 'chain entries', 'ok', current_user, jsonb_build_object(
    'first', first_entry, 'entries', entries, 'head_before', head_before));
end
$function$;

do $block$
begin
  if exists (select from supamigrate.migration_log where hash is null)
     or exists (select from supamigrate.migration_log)
        and (select log_head is null from supamigrate.migration_lock where id = 1) then
    perform supamigrate.rechain_log();
  end if;
end
$block$;

-- What the log says of each migration: which version is applied, of which statements, which
-- rollback SQL is stored, which steps are done of one that is not done as a whole, and which entry is
-- its first application since it was last undone. The history has to say the same.
create or replace function supamigrate.logged_state()
returns table (
  migration_name text, applied_checksum text, rollback_checksum text, statements_checksum text,
  digests jsonb, first_applied bigint
)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select entry.migration_name,
         (array_agg(entry.checksum order by entry.id desc)
            filter (where entry.action not in ('refresh rollback', 'apply step', 'rollback step')))[1],
         (array_agg(entry.rollback_checksum order by entry.id desc)
            filter (where entry.action not in ('rollback', 'apply step', 'rollback step')))[1],
         (array_agg(entry.details->>'statements_checksum' order by entry.id desc)
            filter (where entry.action not in ('refresh rollback', 'apply step', 'rollback step')))[1],
         (array_agg(case when entry.action like '% step' then entry.details->'digests' end
                    order by entry.id desc)
            filter (where entry.action not like 'refresh %'))[1],
         -- A renamed migration has the place of the entry of its old name.
         (array_agg(coalesce((entry.details->>'first_applied')::bigint, entry.id) order by entry.id)
            filter (where entry.action in ('apply', 'apply step', 'baseline', 'mark applied')
                      and entry.id > coalesce(entry.undone, 0)))[1]
    from (select *, max(id) filter (where action in ('rollback', 'mark pending'))
                      over (partition by logged.migration_name) as undone
            from supamigrate.migration_log logged
           where result = 'ok'
             and action in ('apply', 'baseline', 'mark applied', 'mark pending', 'rollback',
                            'refresh rollback', 'refresh checksum', 'apply step', 'rollback step')
             and id > coalesce((
               select max(id) from supamigrate.migration_log
                where action = 'drop application schemas'), 0)) entry
   group by entry.migration_name
$function$;

-- The door is public.exec_sql. Closed means: of the roles that a request can have, only
-- service_role may call a function of that name, whatever its parameters are.
--
-- A request can have any role that authenticator can become, a project's own ones too. Whoever
-- can become service_role was let in on purpose; anon and authenticated never are.
create or replace function supamigrate.open_doors()
returns table (function_name text, role_name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
         quote_ident(r.rolname)
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
   cross join pg_roles r
   where p.proname = 'exec_sql'
     and (r.rolname in ('anon', 'authenticated')
          or not pg_has_role(r.oid, 'service_role', 'member')
             and exists (
               select from pg_roles a
                where a.rolname = 'authenticator' and pg_has_role(a.oid, r.oid, 'member')))
     and has_schema_privilege(r.oid, n.oid, 'usage')
     and has_function_privilege(r.oid, p.oid, 'execute')
   order by 1, 2
$function$;

-- exec_sql, and what show_door() has put beside it in other schemas. In PL/pgSQL, as are others that
-- are called for every migration: its plans are kept, those of SQL functions are made at each call.
create or replace function supamigrate.doors() returns setof pg_proc
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select *
      from pg_proc
     where proname = 'exec_sql'
       and (oid = to_regprocedure('public.exec_sql(text, jsonb)')
            or obj_description(oid, 'pg_proc') like 'supamigrate:%');
end
$function$;

-- What the door is made of: null where it is not there. By names and not by numbers, which a
-- restored dump does not keep.
create or replace function supamigrate.digest_door() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select md5(string_agg(concat_ws('|', nullif(pronamespace::regnamespace::text, 'public'), prosrc,
                                  prosecdef, proconfig, provolatile, pg_get_userbyid(proowner)),
                        '|' order by pronamespace::regnamespace::text))
    from supamigrate.doors()
   where to_regprocedure('public.exec_sql(text, jsonb)') is not null
$function$;

-- For projects whose API does not show the schema public: puts an exec_sql into a schema that it
-- shows, which hands everything on to the one in public, and is for service_role alone as well.
--
-- call: schema.
create or replace function supamigrate.show_door(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  place constant text := quote_ident(call->>'schema');
  there constant regprocedure := to_regprocedure(place || '.exec_sql(text, jsonb)');
begin
  if to_regnamespace(place) is null then
    raise exception 'There is no schema %', place using errcode = 'invalid_schema_name';
  end if;
  if there is not null and not exists (select from supamigrate.doors() where oid = there) then
    raise exception '% is another''s', there using errcode = 'duplicate_function';
  end if;
  if place <> 'public' then
    execute format($sql$
      create or replace function %1$s.exec_sql(sql_query text, params jsonb default '{}'::jsonb)
      returns jsonb
      language sql volatile
      set search_path = pg_catalog, pg_temp
      set statement_timeout = 0
      as 'select public.exec_sql(sql_query, params)';
      comment on function %1$s.exec_sql(text, jsonb) is
        'supamigrate: hands on to public.exec_sql, for the service role, and for nobody else';
      revoke all on function %1$s.exec_sql(text, jsonb) from public, anon, authenticated;
      grant execute on function %1$s.exec_sql(text, jsonb) to service_role;
      grant usage on schema %1$s to service_role;
    $sql$, place);
    if not has_schema_privilege('service_role', to_regnamespace(place)::oid, 'usage') then
      raise exception 'service_role has no USAGE on schema %', place
        using errcode = 'insufficient_privilege', hint = 'Its owner can grant it.';
    end if;
    update supamigrate.installation set door = supamigrate.digest_door() where id = 1;
    notify pgrst, 'reload schema';
  end if;
  return jsonb_build_object('schema', call->>'schema');
end
$function$;

-- Why the API cannot call exec_sql as service_role: null where it can. A migration that takes that
-- way in from the tool is undone, as one is that drops the function.
create or replace function supamigrate.missing_way_in() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  caller constant oid := to_regrole('service_role');
  login constant oid := to_regrole('authenticator');
  missing text[] := '{}';
  door record;
begin
  if caller is null then
    missing := missing || 'there is no role service_role'::text;
  else
    for door in select oid, pronamespace from supamigrate.doors() loop
      if not has_schema_privilege(caller, door.pronamespace, 'usage') then
        missing := missing || format('service_role has no USAGE on schema %s',
                                     door.pronamespace::regnamespace);
      end if;
      if not has_function_privilege(caller, door.oid, 'execute') then
        missing := missing || format('service_role may not execute %s', door.oid::regprocedure);
      end if;
    end loop;
    if not pg_has_role(login, caller, 'member') then
      missing := missing || 'authenticator is no member of service_role'::text;
    end if;
  end if;
  if not (select rolcanlogin from pg_roles where oid = login) then
    missing := missing || 'authenticator may not log in'::text;
  end if;
  return nullif(array_to_string(missing, ', '), '');
end
$function$;

-- A migration may open the door without meaning to ("grant execute on all functions in
-- schema public", as dumps do). The own door is closed again in the same transaction; a
-- second exec_sql that the migration leaves open, a door that is gone or another one, or that
-- service_role cannot come through any more, undoes it.
--
-- missing_before: what missing_way_in() said before the migration.
create or replace function supamigrate.guard_door(missing_before text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  opened text;
  own_door regprocedure;
  callers text;
  missing text;
  closed_again boolean := false;
begin
  if supamigrate.digest_door() is null then
    raise exception 'The migration removes public.exec_sql(text, jsonb), through which migrations run'
      using errcode = 'SM002', hint = 'Leave that function out of what the migration drops.';
  end if;
  if supamigrate.digest_door() <> (select door from supamigrate.installation where id = 1) then
    raise exception 'The migration changes public.exec_sql(text, jsonb), through which migrations run'
      using errcode = 'SM002', hint = 'Leave that function out of the migration: install manages it.';
  end if;
  missing := supamigrate.missing_way_in();
  if missing_before is null and missing is not null then
    raise exception 'The migration takes away what the API calls exec_sql with: %', missing
      using errcode = 'SM002',
            hint = 'Leave service_role and authenticator out of what the migration revokes, drops or alters.';
  end if;
  select string_agg(distinct role_name, ', ') into callers from supamigrate.open_doors();
  if callers is not null then
    for own_door in select oid from supamigrate.doors() loop
      execute format('revoke all on function %s from public, %s', own_door, callers);
    end loop;
    closed_again := true;
    select string_agg(format('%s by %s', function_name, role_name), ', ')
      into opened
      from supamigrate.open_doors();
    if opened is not null then
      raise exception 'The migration leaves a function callable that runs any SQL: %', opened
        using errcode = 'SM002',
              hint = 'Add REVOKE EXECUTE ON FUNCTION … FROM public and those roles to the migration.';
    end if;
  end if;
  return closed_again;
end
$function$;

-- What would make every promise hollow. Looked at when a run takes the lock and after each
-- migration, in the same transaction; nothing goes on while one of these holds. `doctor` examines
-- far more, and says how to mend it.

create or replace function supamigrate.breaches() returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select 'public.exec_sql is not the function that was installed'
     where supamigrate.digest_door()
           is distinct from (select door from supamigrate.installation where id = 1)
    union all
    select format('the schema supamigrate is open to %s', string_agg(rolname, ', ' order by rolname))
      from pg_roles
     where rolname in ('anon', 'authenticated', 'service_role')
       and has_schema_privilege(oid, 'supamigrate', 'usage')
    having count(*) > 0
    union all
    select 'the audit log can be changed'
     where (select count(*)
              from pg_trigger
             where tgrelid = 'supamigrate.migration_log'::regclass
               and tgenabled = 'A'
               and (tgname, tgfoid) in (
                 ('migration_log_is_append_only', 'supamigrate.refuse_log_change()'::regprocedure),
                 ('migration_log_is_chained', 'supamigrate.chain_entry()'::regprocedure))) <> 2
    union all
    select format('supamigrate.migration_lock has %s rows instead of one', count(*))
      from supamigrate.migration_lock
    having count(*) <> 1
    union all
    select format('the schema %I, in which migrations look first, belongs to %s',
                  n.nspname, pg_get_userbyid(n.nspowner))
      from pg_namespace n
      join pg_roles o on o.oid = n.nspowner
     where n.nspname = current_user
       and n.nspname <> o.rolname
       and not o.rolsuper
       -- What is escaped is a name.
       and supamigrate.default_search_path() ~ '(^|[^\\])\$user';
end
$function$;

create or replace function supamigrate.refuse_breaches(who text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  found_breaches text;
begin
  select string_agg(breach, '; ') into found_breaches from supamigrate.breaches() breach;
  if found_breaches is not null then
    raise exception '%: %', who, found_breaches
      using errcode = 'SM002', hint = 'Leave what is supamigrate''s own out of migrations.';
  end if;
end
$function$;

-- The query that says what the tracking schema has been through in this transaction, by what it is
-- made of: how many rows of each table were inserted, updated and deleted, the file, which TRUNCATE
-- replaces, and which transactions made the catalog's rows of its tables and functions. Costs
-- nothing however long the history is. As text, for run_migration to keep: a migration could put
-- another function in the place of one that it would call.
create or replace function supamigrate.records_query() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select $query$
    with relation as materialized (
      select oid, relname, relkind, xmin from pg_catalog.pg_class
       where relnamespace = 'supamigrate'::pg_catalog.regnamespace
    )
    select pg_catalog.jsonb_object_agg(name, stamp)
      from (
        select relname::pg_catalog.text, pg_catalog.jsonb_build_array(
                 pg_catalog.pg_relation_filenode(oid),
                 pg_catalog.pg_stat_get_xact_tuples_inserted(oid),
                 pg_catalog.pg_stat_get_xact_tuples_updated(oid),
                 pg_catalog.pg_stat_get_xact_tuples_deleted(oid))
          from relation where relkind = 'r'
        union all
        select 'the definitions of its tables', pg_catalog.jsonb_agg(made order by made)
          from (select xmin::pg_catalog.text from relation
                union all
                select xmin::pg_catalog.text from pg_catalog.pg_namespace where nspname = 'supamigrate'
                union all
                select a.xmin::pg_catalog.text from pg_catalog.pg_attribute a join relation r on r.oid = a.attrelid
                union all
                select d.xmin::pg_catalog.text from pg_catalog.pg_attrdef d join relation r on r.oid = d.adrelid
                union all
                select c.xmin::pg_catalog.text from pg_catalog.pg_constraint c join relation r on r.oid = c.conrelid
                union all
                select t.xmin::pg_catalog.text from pg_catalog.pg_trigger t join relation r on r.oid = t.tgrelid
                union all
                select w.xmin::pg_catalog.text from pg_catalog.pg_rewrite w join relation r on r.oid = w.ev_class
                union all
                select p.xmin::pg_catalog.text from pg_catalog.pg_policy p join relation r on r.oid = p.polrelid
                union all
                select i.xmin::pg_catalog.text from pg_catalog.pg_inherits i join relation r on r.oid = i.inhparent
               ) definitions (made)
        union all
        select 'the functions of its schema', pg_catalog.jsonb_agg(xmin::pg_catalog.text order by oid)
          from pg_catalog.pg_proc
         where pronamespace = 'supamigrate'::pg_catalog.regnamespace
      ) part (name, stamp)
  $query$
$function$;

-- The protocol. Reading this file top to bottom is reading it step by step:
--
--   acquire   takes the lock if it is free or expired, and if nothing has changed since the
--             caller looked. Raises the generation.
--   perform   every change: one operation under the lock, done once.
--   settle    the caller lost a reply: was the operation done? If not, it never will be.
--   unlock    takes the lock from whoever has it. Always safe, because of the generation.
--
-- Times are clock_timestamp() of this server; no client's clock is ever looked at.

create or replace function supamigrate.describe_lock(held supamigrate.migration_lock)
returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'is_locked', held.is_locked,
    'locked_by', held.locked_by,
    'process_id', held.process_id,
    'locked_at', held.locked_at,
    'age_ms', case when held.is_locked
      then (extract(epoch from clock_timestamp() - held.locked_at) * 1000)::bigint end,
    'expires_in_ms', case when held.is_locked
      then (extract(epoch from held.expires_at - clock_timestamp()) * 1000)::bigint end,
    'generation', held.generation,
    'sequence', held.sequence)
$function$;

-- What the session that keeps the lock row is doing, and who keeps it waiting. The running
-- migration is in application_name, which others see before the transaction commits.
create or replace function supamigrate.describe_activity() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'running', substr(a.application_name, length('supamigrate ') + 1),
    'running_ms', (extract(epoch from clock_timestamp() - a.xact_start) * 1000)::bigint,
    'blocked_by', (
      select jsonb_agg(jsonb_build_object('pid', b.pid, 'user', b.usename, 'query', left(b.query, 200)))
        from pg_stat_activity b
       where b.pid = any (pg_blocking_pids(a.pid))))
    from pg_stat_activity a
   where a.application_name like 'supamigrate %'
     and a.datname = current_database()
     and a.pid <> pg_backend_pid()
   limit 1
$function$;

create or replace function supamigrate.busy() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'status', 'busy',
    'lock', supamigrate.describe_lock(held),
    'activity', supamigrate.describe_activity())
    from supamigrate.migration_lock held
   where id = 1
$function$;

-- Takes the lock row. Returns null where another call still has it when the time is over.
create or replace function supamigrate.take_lock_row(patience text default '10s')
returns supamigrate.migration_lock
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock;
begin
  perform set_config('lock_timeout', patience, true);
  select * into held from supamigrate.migration_lock where id = 1 for update;
  return held;
exception when lock_not_available then
  return null;
end
$function$;

create or replace function supamigrate.write_log(
  call jsonb, action text, result text,
  migration_name text default null, batch_number integer default null,
  checksum text default null, execution_time_ms integer default null,
  details jsonb default null, rollback_sql text default null
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  -- chain_entry() numbers the entry: what stands here keeps the sequence from being asked.
  insert into supamigrate.migration_log
    (id, action, migration_name, batch_number, checksum, result, execution_time_ms,
     actor, tool_version, operation_id, details, rollback_checksum)
  overriding system value
  values
    (0, action, migration_name, batch_number, checksum, result, execution_time_ms,
     call->>'holder', call->>'tool_version', (call->>'operation')::uuid, details,
     encode(sha256(convert_to(rollback_sql, 'UTF8')), 'hex'))
$function$;

-- call: token, holder, process_id, lease_ms, generation and sequence as the caller saw them.
create or replace function supamigrate.acquire(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock;
  opened text;
begin
  if pg_is_in_recovery() then
    raise exception 'This server is a read replica' using errcode = 'read_only_sql_transaction';
  end if;
  select string_agg(format('%s by %s', function_name, role_name), ', ')
    into opened
    from supamigrate.open_doors();
  if opened is not null then
    raise exception 'A function that runs any SQL is callable: %', opened using errcode = 'SM002';
  end if;
  perform supamigrate.refuse_breaches('supamigrate is not safe to use');

  -- Without these the lock could be taken and never be told whose it is, or when it ends.
  if call->>'token' is null then
    raise exception 'The call brings no token' using errcode = 'null_value_not_allowed';
  end if;
  if coalesce((call->>'lease_ms')::integer, 0) < 1 then
    raise exception 'lease_ms has to be at least 1' using errcode = 'invalid_parameter_value';
  end if;

  -- A row that stays taken belongs to a migration in flight: the lock is held, expired or not.
  -- Another acquisition, such as an earlier copy of this call, is over in a moment.
  held := supamigrate.take_lock_row('300ms');
  if held.id is null then
    select * into held from supamigrate.migration_lock where id = 1;
    return jsonb_build_object(
      'status', case when held.is_locked then 'held' else 'moved' end,
      'lock', supamigrate.describe_lock(held));
  end if;

  if held.is_locked and held.token = (call->>'token')::uuid then
    return jsonb_build_object('status', 'acquired', 'lock', supamigrate.describe_lock(held));
  end if;
  if held.is_locked and held.expires_at > clock_timestamp() then
    return jsonb_build_object('status', 'held', 'lock', supamigrate.describe_lock(held));
  end if;
  -- Nothing was planned on what has changed since, and a late copy of an earlier request
  -- of this caller does not take a lock that nobody would release.
  if held.generation is distinct from (call->>'generation')::bigint
     or held.sequence is distinct from (call->>'sequence')::bigint then
    return jsonb_build_object('status', 'moved', 'lock', supamigrate.describe_lock(held));
  end if;

  if held.is_locked then
    perform supamigrate.write_log(call, 'take over expired lock', 'ok',
      details => supamigrate.describe_lock(held));
  end if;
  update supamigrate.migration_lock
     set is_locked = true,
         locked_by = left(call->>'holder', 255),
         process_id = left(call->>'process_id', 100),
         token = (call->>'token')::uuid,
         locked_at = clock_timestamp(),
         lease_ms = (call->>'lease_ms')::integer,
         expires_at = clock_timestamp() + (call->>'lease_ms')::integer * interval '1 millisecond',
         generation = generation + 1,
         sequence = 0
   where id = 1
  returning * into held;
  return jsonb_build_object('status', 'acquired', 'lock', supamigrate.describe_lock(held));
end
$function$;

-- What perform and settle have in common, once they have the lock row: the reply that ends the
-- call, or null where the caller holds the lock and the operation has not been done. What a call
-- leaves out is null, which is like nothing that was seen.
create or replace function supamigrate.reply_early(held supamigrate.migration_lock, call jsonb)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  known supamigrate.operation;
begin
  if held.id is null then
    return supamigrate.busy();
  end if;
  if call->>'operation' is null or call->>'sequence' is null then
    raise exception 'The call names no operation, or not the step that it was sent in'
      using errcode = 'null_value_not_allowed';
  end if;
  select * into known from supamigrate.operation where id = (call->>'operation')::uuid;
  if found then
    return jsonb_build_object('status', 'done', 'sequence', known.sequence + 1, 'reply', known.reply);
  end if;
  if not held.is_locked
     or held.token is distinct from (call->>'token')::uuid
     or held.generation is distinct from (call->>'generation')::bigint then
    return jsonb_build_object('status', 'lost', 'lock', supamigrate.describe_lock(held));
  end if;
  return null;
end
$function$;

-- PostgREST's own statements on this connection. A migration that has deallocated them has broken
-- it: nothing can be committed on it any more, and every other request that gets it would fail.
create or replace function supamigrate.count_protocol_statements() returns bigint
language sql
set search_path = pg_catalog, pg_temp
as $function$
  select count(*) from pg_prepared_statements where not from_sql
$function$;

-- call: operation, token, generation, sequence, action, and what the action needs.
create or replace function supamigrate.perform(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
  early jsonb := supamigrate.reply_early(held, call);
  protocol_statements constant bigint := supamigrate.count_protocol_statements();
  reply jsonb;
begin
  if early is not null then
    return early;
  end if;
  if held.sequence <> (call->>'sequence')::bigint then
    return jsonb_build_object('status', 'stale', 'sequence', held.sequence);
  end if;

  reply := case call->>'action'
    when 'apply'    then supamigrate.apply(call)
    when 'revert'   then supamigrate.revert(call)
    when 'advance'  then supamigrate.advance(call)
    when 'refresh'  then supamigrate.refresh_rollback(call)
    when 'baseline' then supamigrate.baseline(call)
    when 'repair'   then supamigrate.repair(call)
    when 'ledger'   then supamigrate.repair_ledger(call)
    when 'seed'     then supamigrate.seed(call)
    when 'give up'  then supamigrate.give_up(call)
    when 'drop'     then supamigrate.drop_application_schemas(call)
    when 'release'  then '{}'::jsonb
  end;
  if reply is null then
    raise exception 'Unknown action "%"', call->>'action' using errcode = 'invalid_parameter_value';
  end if;
  if supamigrate.count_protocol_statements() < protocol_statements then
    perform pg_terminate_backend(pg_backend_pid()); -- PostgREST makes a new one
  end if;

  insert into supamigrate.operation (id, generation, sequence, action, reply)
  values ((call->>'operation')::uuid, held.generation, held.sequence, call->>'action', reply);

  if call->>'action' = 'release' then
    update supamigrate.migration_lock
       set is_locked = false, generation = generation + 1, sequence = 0
     where id = 1;
  else
    update supamigrate.migration_lock
       set sequence = sequence + 1,
           expires_at = clock_timestamp() + lease_ms * interval '1 millisecond'
     where id = 1;
  end if;
  return jsonb_build_object('status', 'done', 'sequence', held.sequence + 1, 'reply', reply);
end
$function$;

-- call: operation, token, generation, and the sequence that the operation was sent with.
-- Waits for an attempt in flight by taking the row. Where the operation is not in the ledger
-- the sequence is raised, so that an attempt still under way comes too late; asking twice
-- raises it once.
create or replace function supamigrate.settle(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
  early jsonb := supamigrate.reply_early(held, call);
begin
  if early is not null then
    return early;
  end if;

  update supamigrate.migration_lock
     set sequence = sequence + 1
   where id = 1 and sequence = (call->>'sequence')::bigint
  returning sequence into held.sequence;
  if not found then
    select sequence into held.sequence from supamigrate.migration_lock where id = 1;
  end if;
  return jsonb_build_object('status', 'not_done', 'sequence', held.sequence);
end
$function$;

-- call: generation of the lock that is meant, so that a newer one is left alone.
create or replace function supamigrate.unlock(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
begin
  if held.id is null then
    return supamigrate.busy();
  end if;
  if not held.is_locked or held.generation is distinct from (call->>'generation')::bigint then
    return jsonb_build_object('status', 'moved', 'lock', supamigrate.describe_lock(held));
  end if;
  update supamigrate.migration_lock
     set is_locked = false, generation = generation + 1, sequence = 0
   where id = 1;
  perform supamigrate.write_log(call, 'unlock', 'ok', details => supamigrate.describe_lock(held));
  return jsonb_build_object('status', 'unlocked', 'lock', supamigrate.describe_lock(held));
end
$function$;

-- The Supabase CLI's own history, supabase_migrations.schema_migrations, kept in step with this one:
-- written in the transaction of the history row, so that the two cannot come apart. Which migrations
-- take part, and under which version, the client says.
--
-- ledger, of a migration or of a call:
--
--   version, name   what to record, where something is
--   statements      with it: a list of texts, or null to leave them out; without it, those of the call
--   remove          versions to take out
--   create          whether to make the table where there is none, as the CLI makes it

-- The names are looked up in the catalog: to_regclass fails where the schema may not be used.
create or replace function supamigrate.find_ledger() returns oid
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select c.oid
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations'
$function$;

-- exists, problem (what keeps this role from writing it, or null) and versions as {version: name}.
create or replace function supamigrate.describe_ledger() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  ledger constant oid := supamigrate.find_ledger();
  denied text;
  problem text;
  versions jsonb := '{}';
begin
  if ledger is null then
    return jsonb_build_object('exists', false, 'versions', versions, 'problem', (
      select case
        when schema_id is null and not has_database_privilege(current_database(), 'create')
          then format('%I may not create the schema supabase_migrations', current_user)
        when schema_id is not null and not has_schema_privilege(schema_id, 'create, usage')
          then format('%I may not create tables in the schema supabase_migrations', current_user)
        end
        from (select (select oid from pg_namespace where nspname = 'supabase_migrations')) found (schema_id)));
  end if;

  select string_agg(privilege, ', ') into denied
    from unnest(array['select', 'insert', 'update', 'delete']) privilege
   where not has_table_privilege(ledger, privilege);
  problem := case
    when not has_schema_privilege('supabase_migrations', 'usage') then
      format('%I may not use the schema supabase_migrations', current_user)
    when denied is not null then
      format('%I has no right to %s on supabase_migrations.schema_migrations, which belongs to %I',
             current_user, denied, (select pg_get_userbyid(relowner) from pg_class where oid = ledger))
    when row_security_active(ledger) then
      format('row level security keeps %I from rows of supabase_migrations.schema_migrations', current_user)
  end;
  if problem is null then
    -- The oldest CLIs have no column for the name.
    select coalesce(jsonb_object_agg(entry.version, coalesce(to_jsonb(entry)->>'name', '')), '{}')
      into versions
      from supabase_migrations.schema_migrations entry;
  end if;
  return jsonb_build_object('exists', true, 'versions', versions, 'problem', problem);
end
$function$;

-- Writes what a migration's ledger says, or that of a call; nothing where it says nothing.
create or replace function supamigrate.write_ledger(holder jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  entry constant jsonb := holder->'ledger';
  ledger oid := supamigrate.find_ledger();
begin
  if entry is null then
    return;
  end if;
  if ledger is null and (entry->>'create')::boolean then
    if not exists (select from pg_namespace where nspname = 'supabase_migrations') then
      create schema supabase_migrations;
    end if;
    create table supabase_migrations.schema_migrations (version text not null primary key);
    ledger := supamigrate.find_ledger();
  end if;
  -- It may be gone since the client has seen it: there is nothing to keep in step with any more.
  if ledger is null then
    return;
  end if;

  delete from supabase_migrations.schema_migrations
   where version in (select jsonb_array_elements_text(entry->'remove'));
  if not entry ? 'version' then
    return;
  end if;
  -- As the CLI does: older ones made the table without these.
  if (select count(*) from pg_attribute
       where attrelid = ledger and attname in ('name', 'statements') and not attisdropped) < 2 then
    alter table supabase_migrations.schema_migrations
      add column if not exists statements text[],
      add column if not exists name text;
  end if;
  insert into supabase_migrations.schema_migrations (version, name, statements)
  values (entry->>'version', entry->>'name', case
    when entry->'statements' = 'null' then null
    when entry ? 'statements' then array(
      select text
        from jsonb_array_elements_text(entry->'statements') with ordinality as list (text, position)
       order by position)
    else array(
      select item->>1
        from jsonb_array_elements(holder->'statements') with ordinality as list (item, position)
       order by position)
  end)
  on conflict (version) do update
     set name = excluded.name, statements = excluded.statements;
end
$function$;

-- call: migrations with ledger. Records in the CLI's ledger what is applied and not in it; the history
-- stays as it is.
create or replace function supamigrate.repair_ledger(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb;
begin
  for migration in select item from jsonb_array_elements(call->'migrations') as list (item) loop
    perform supamigrate.write_ledger(migration);
  end loop;
  perform supamigrate.write_log(call, 'repair ledger', 'ok', details => jsonb_build_object(
    'recorded', (select coalesce(jsonb_agg(item->'ledger'->'version'), '[]')
                   from jsonb_array_elements(call->'migrations') as list (item))));
  return '{}'::jsonb;
end
$function$;

-- Changes of the history that run no migration. Called by supamigrate.perform alone.

-- call: refresh, migrations with name and rollback_sql. A file's ROLLBACK section was changed,
-- its forward part was not; or, with checksum and statements_checksum, not its statements.
create or replace function supamigrate.refresh_rollback(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb;
begin
  for migration in select item from jsonb_array_elements(call->'refresh') as list (item) loop
    if migration ? 'checksum' then
      update supamigrate.migration_history
         set rollback_sql = migration->>'rollback_sql',
             checksum = case when checksum = applied_checksum
                             then migration->>'checksum' else checksum end,
             applied_checksum = migration->>'checksum'
       where migration_name = migration->>'name'
         and applied_checksum is not null
         and statements_checksum = migration->>'statements_checksum';
      if not found then
        raise exception 'Migration "%" is not applied with these statements', migration->>'name'
          using errcode = 'SM003';
      end if;
      perform supamigrate.write_log(call, 'refresh checksum', 'ok', migration->>'name',
        checksum => migration->>'checksum',
        details => jsonb_build_object('statements_checksum', migration->>'statements_checksum'),
        rollback_sql => migration->>'rollback_sql');
    else
      update supamigrate.migration_history
         set rollback_sql = migration->>'rollback_sql'
       where migration_name = migration->>'name';
      perform supamigrate.write_log(call, 'refresh rollback', 'ok', migration->>'name',
        rollback_sql => migration->>'rollback_sql');
    end if;
  end loop;
  return '{}'::jsonb;
end
$function$;

-- call: migrations with name, checksum, statements_checksum, batch and rollback_sql; adopted_from and
-- executed_at say which tool has applied it, and when. Recorded as applied, not run.
create or replace function supamigrate.baseline(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb;
begin
  for migration in select item from jsonb_array_elements(call->'migrations') as list (item) loop
    perform supamigrate.record_as_applied(migration, 0);
    perform supamigrate.write_log(call, 'baseline', 'ok', migration->>'name',
      (migration->>'batch')::integer, migration->>'checksum',
      details => supamigrate.log_statements(migration),
      rollback_sql => migration->>'rollback_sql');
    perform supamigrate.write_ledger(migration);
  end loop;
  return '{}'::jsonb;
end
$function$;

-- What of a migration goes into an entry's details: of its statements, and which tool applied it.
create or replace function supamigrate.log_statements(migration jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select nullif(jsonb_strip_nulls(
    jsonb_build_object('statements_checksum', migration->>'statements_checksum',
                       'adopted_from', migration->'adopted_from')), '{}')
$function$;

-- What is applied keeps its batch: running it again moves it nowhere, so that what was built on it
-- since is undone before it.
create or replace function supamigrate.record_as_applied(
  migration jsonb, duration integer
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  insert into supamigrate.migration_history as known
    (id, migration_name, batch_number, execution_time_ms, checksum, applied_checksum,
     statements_checksum, rollback_sql, status, executed_at)
  values
    ((select coalesce(max(id), 0) + 1 from supamigrate.migration_history),
     migration->>'name', (migration->>'batch')::integer, duration,
     migration->>'checksum', migration->>'checksum', migration->>'statements_checksum',
     migration->>'rollback_sql', 'completed',
     coalesce((migration->>'executed_at')::timestamptz, clock_timestamp()))
  on conflict (migration_name) do update
     set batch_number = case when known.applied_checksum is null
                             then excluded.batch_number else known.batch_number end,
         execution_time_ms = excluded.execution_time_ms,
         checksum = excluded.checksum,
         applied_checksum = excluded.applied_checksum,
         statements_checksum = excluded.statements_checksum,
         rollback_sql = excluded.rollback_sql,
         status = excluded.status,
         executed_at = excluded.executed_at,
         progress = null,
         error_message = null,
         error = null
$function$;

-- call: mark (applied or pending) and migration with name and, for applied, checksum,
-- statements_checksum, batch and rollback_sql. The row as it was goes into the log.
create or replace function supamigrate.repair(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb := call->'migration';
  before jsonb;
begin
  if (call->>'mark' in ('applied', 'pending', 'renamed')) is not true then
    raise exception 'Unknown mark "%"', call->>'mark' using errcode = 'invalid_parameter_value';
  end if;
  select to_jsonb(h) into before
    from supamigrate.migration_history h
   where migration_name = migration->>'name';
  perform supamigrate.write_ledger(migration);
  if call->>'mark' = 'renamed' then
    perform supamigrate.rename_migration(call, migration, before);
    return '{}'::jsonb;
  end if;
  perform supamigrate.abandon_job(before->'progress');
  if call->>'mark' = 'applied' then
    perform supamigrate.record_as_applied(migration, 0);
  else
    delete from supamigrate.migration_history where migration_name = migration->>'name';
  end if;
  perform supamigrate.write_log(call, 'mark ' || (call->>'mark'), 'ok', migration->>'name',
    (migration->>'batch')::integer, migration->>'checksum',
    details => jsonb_build_object('before', before)
      || coalesce(supamigrate.log_statements(migration), '{}'),
    rollback_sql => migration->>'rollback_sql');
  return '{}'::jsonb;
end
$function$;

-- migration: name and new_name. Its row goes on under the new name, and in the log the old name is
-- pending and the new one applied, in the place of the old one.
create or replace function supamigrate.rename_migration(
  call jsonb, migration jsonb, before jsonb
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  place bigint;
begin
  select first_applied into place
    from supamigrate.logged_state() logged
   where logged.migration_name = migration->>'name';
  -- An attempt that failed under the new name is not worth a row.
  delete from supamigrate.migration_history
   where migration_name = migration->>'new_name' and applied_checksum is null;
  update supamigrate.migration_history
     set migration_name = migration->>'new_name'
   where migration_name = migration->>'name' and applied_checksum is not null;
  if not found then
    raise exception 'Migration "%" is not applied', migration->>'name' using errcode = 'SM003';
  end if;
  perform supamigrate.write_log(call, 'mark pending', 'ok', migration->>'name',
    details => jsonb_build_object('before', before, 'renamed_to', migration->>'new_name'));
  perform supamigrate.write_log(call, 'mark applied', 'ok', migration->>'new_name',
    (before->>'batch_number')::integer, before->>'applied_checksum',
    details => jsonb_strip_nulls(jsonb_build_object(
      'renamed_from', migration->>'name', 'first_applied', place,
      'statements_checksum', before->>'statements_checksum')),
    rollback_sql => before->>'rollback_sql');
end
$function$;

-- Event triggers fire for a migration as they do for psql.
--
-- supautils skips an event trigger whose function is SECURITY DEFINER and no superuser's where the
-- outer user of the session is reserved (2.9.2 and later), and service_role is. What a project made
-- itself to be safe, such as "automatic RLS" (public.rls_auto_enable with event trigger ensure_rls),
-- would be left out without a word. Functions that are SECURITY INVOKER fire, and inside of exec_sql
-- the invoker is its owner: for functions of that owner it comes to the same. So they are made
-- INVOKER around the statements of a migration, in its transaction, and DEFINER again at its end.

-- The functions of event triggers that are skipped where a call comes through the API.
create or replace function supamigrate.skipped_event_functions()
returns table (routine regprocedure, owner name)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select p.oid::regprocedure, pg_get_userbyid(p.proowner)
      from pg_proc p
     where p.oid in (select evtfoid from pg_event_trigger where evtenabled <> 'D')
       and p.prosecdef
       and not (select rolsuper from pg_roles where oid = p.proowner);
end
$function$;

-- Event triggers have nothing to do with this going back and forth. Where the role may not tell
-- the server so, they see it.
create or replace function supamigrate.alter_event_functions(functions regprocedure[], security text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  replication_role constant text := current_setting('session_replication_role');
  routine regprocedure;
begin
  begin
    set local session_replication_role = replica;
  exception when insufficient_privilege then
    null;
  end;
  foreach routine in array functions loop
    execute format('alter function %s security %s', routine, security);
  end loop;
  if current_setting('session_replication_role') <> replication_role then
    execute format('set local session_replication_role = %s', replication_role);
  end if;
end
$function$;

-- How those functions stand that a migration finds as SECURITY INVOKER: by their numbers, where their
-- row is, what they do and who may call them.
create or replace function supamigrate.describe_event_functions(functions oid[]) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select coalesce(jsonb_object_agg(oid, jsonb_build_object(
             'row', ctid::text, 'body', md5(prosrc), 'privileges', proacl::text)), '{}')
      from pg_proc
     where oid = any (functions) and not prosecdef);
end
$function$;

-- Has those functions fire that would be skipped, and returns how they stand then.
create or replace function supamigrate.expose_event_functions() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  skipped record;
  exposed regprocedure[] := '{}';
begin
  for skipped in select * from supamigrate.skipped_event_functions() loop
    if skipped.owner = current_user then
      exposed := exposed || skipped.routine;
    -- Only a library that is loaded has its settings in this view.
    elsif exists (select from pg_settings where name = 'supautils.log_skipped_evtrigs') then
      raise exception 'The event trigger function % of % does not fire for what comes through the API',
        skipped.routine, skipped.owner
        using errcode = 'SM002',
              hint = format('What it does must not be left out. Use --via direct or --via '
                'management; or make it SECURITY INVOKER, or a function of %I.', current_user);
    end if;
  end loop;
  if exposed = '{}' then
    return '{}'::jsonb;
  end if;
  perform supamigrate.alter_event_functions(exposed, 'invoker');
  return supamigrate.describe_event_functions(exposed::oid[]);
end
$function$;

-- Puts back those that are still there.
create or replace function supamigrate.restore_event_functions(exposed jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  left_exposed constant regprocedure[] := array(
    select p.oid::regprocedure
      from jsonb_object_keys(exposed) number
      join pg_proc p on p.oid = number::oid and not p.prosecdef);
begin
  if left_exposed <> '{}' then
    perform supamigrate.alter_event_functions(left_exposed, 'definer');
  end if;
end
$function$;

-- After a statement that is neither CREATE nor ALTER FUNCTION: which functions are to be put back
-- now, and how they stand. What it made of them inside of a block stays where that can be told: a
-- function that was replaced, or that the text makes SECURITY INVOKER, is what the migration says.
-- GRANT and REVOKE write the function's row too, and say nothing of that.
create or replace function supamigrate.follow_statement(exposed jsonb, statement text) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  now_exposed jsonb;
  number text;
  before jsonb;
  after jsonb;
begin
  perform supamigrate.refuse_hidden_event_triggers();
  if exposed = '{}' then
    return exposed;
  end if;
  now_exposed := supamigrate.describe_event_functions(array(
    select key::oid from jsonb_object_keys(exposed) key));
  if now_exposed = exposed then
    return exposed;
  end if;
  for number, before in select key, value from jsonb_each(exposed) loop
    after := now_exposed->number;
    if after->'row' = before->'row' then
      null;
    elsif after->'body' <> before->'body'
          or statement ~* '\msecurity\s+invoker\M|\mcreate\s+or\s+replace\s+function\M' then
      now_exposed := now_exposed - number;
    elsif after->'privileges' is not distinct from before->'privileges'
          and statement !~* '\m(grant|revoke)\M' then
      raise exception 'The event trigger function % is altered inside of another statement',
        number::regprocedure
        using errcode = 'SM002',
              hint = 'Through the API its rights differ while a migration runs, and what is to become '
                'of them cannot be told. Write its ALTER FUNCTION as a statement of its own, or use '
                '--via direct.';
    end if;
  end loop;
  return now_exposed;
end
$function$;

-- What is skipped now was made so in the middle of a statement, and what that went on to do, it did
-- without.
create or replace function supamigrate.refuse_hidden_event_triggers() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  hidden text;
begin
  select string_agg(routine::text, ', ')
    into hidden
    from supamigrate.skipped_event_functions()
   where owner = current_user;
  if hidden is not null then
    raise exception 'The event trigger function % is made or altered inside of another statement', hidden
      using errcode = 'SM002',
            hint = 'Through the API it would not fire for what follows there. Write its CREATE '
              'FUNCTION, ALTER FUNCTION and CREATE EVENT TRIGGER as statements of their own, or use '
              '--via direct.';
  end if;
end
$function$;

-- Migrations of several steps. What is done of one stands in progress of its history row, until it
-- is done as a whole:
--
--   purpose            apply or revert
--   steps              how many there are
--   digests            SHA-256 of each step that is done, in order
--   execution_time_ms  how long these took together
--   outside            a step outside a transaction that has begun (outside_transaction.sql)

-- call brings migration with step: number, and the digests of all steps up to this one, of which the
-- history has those before it.
create or replace function supamigrate.require_step(migration jsonb, purpose text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  done jsonb;
  expected jsonb;
begin
  if not migration ? 'step' then
    return;
  end if;
  done := coalesce((
    select progress->'digests'
      from supamigrate.migration_history
     where migration_name = migration->>'name'
       and progress->>'purpose' = purpose), '[]');
  expected := coalesce((
    select jsonb_agg(digest order by position)
      from jsonb_array_elements(migration->'step'->'digests') with ordinality as list (digest, position)
     where position < (migration->'step'->>'number')::integer), '[]');
  if done <> expected then
    raise exception 'Migration "%" is not where its step % begins',
                    migration->>'name', migration->'step'->>'number'
      using errcode = 'SM003';
  end if;
end
$function$;

-- A step that is not the last one is done. Called in the place of record_applied and record_reverted.
create or replace function supamigrate.record_step(
  call jsonb, migration jsonb, purpose text, duration integer
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  step constant jsonb := migration->'step';
  progress_now constant jsonb := jsonb_build_object(
    'purpose', purpose, 'steps', step->'total', 'digests', step->'digests',
    'execution_time_ms', duration + supamigrate.time_of_steps(migration, purpose));
begin
  if purpose = 'apply' then
    perform supamigrate.record_attempt(migration, duration, null, progress_now);
  else
    update supamigrate.migration_history
       set progress = progress_now
     where migration_name = migration->>'name';
  end if;
  perform supamigrate.write_log(call,
    case purpose when 'apply' then 'apply step' else 'rollback step' end, 'ok',
    migration->>'name', (migration->>'batch')::integer, migration->>'checksum', duration,
    jsonb_build_object('step', step->'number', 'steps', step->'total', 'digests', step->'digests'));
end
$function$;

-- How long the steps before took, where the migration has more than one.
create or replace function supamigrate.time_of_steps(migration jsonb, purpose text) returns integer
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  if not migration ? 'step' then
    return 0;
  end if;
  return coalesce((
    select (progress->>'execution_time_ms')::integer
      from supamigrate.migration_history
     where migration_name = migration->>'name'
       and progress->>'purpose' = purpose), 0);
end
$function$;

-- The migration is tried and not (yet) applied. The version that is in the database, with its batch
-- and its rollback SQL, stays on record, and so does what is done of this one.
create or replace function supamigrate.record_attempt(
  migration jsonb, duration integer, failure jsonb, progress_now jsonb
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  insert into supamigrate.migration_history as known
    (id, migration_name, batch_number, execution_time_ms, checksum, status, executed_at,
     error_message, error, progress)
  values
    ((select coalesce(max(id), 0) + 1 from supamigrate.migration_history),
     migration->>'name', (migration->>'batch')::integer, duration, migration->>'checksum', 'failed',
     clock_timestamp(), failure->>'message', failure, progress_now)
  on conflict (migration_name) do update
     set batch_number = case when known.applied_checksum is null
                             then excluded.batch_number else known.batch_number end,
         execution_time_ms = excluded.execution_time_ms,
         checksum = excluded.checksum,
         status = excluded.status,
         executed_at = excluded.executed_at,
         error_message = excluded.error_message,
         error = excluded.error,
         progress = excluded.progress
$function$;

-- What is done of a migration, for record_attempt to keep: a step that failed outside a transaction
-- has not begun any more.
create or replace function supamigrate.steps_done(migration jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case when progress->'digests' <> '[]' then progress - 'outside' end
    from supamigrate.migration_history
   where migration_name = migration->>'name'
$function$;

-- Seeds: data for a database that was just built. Each is run once, as a migration is, and known by the
-- hash of its file; here, and in the Supabase CLI's supabase_migrations.seed_files.

-- What was run, {path: hash}. What the CLI has run counts as well.
create or replace function supamigrate.read_seeds() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  theirs constant oid := (
    select c.oid
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'supabase_migrations' and c.relname = 'seed_files'
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select'));
  seeds jsonb := '{}';
begin
  if theirs is not null then
    select coalesce(jsonb_object_agg(path, hash), '{}') into seeds from supabase_migrations.seed_files;
  end if;
  return seeds || (select coalesce(jsonb_object_agg(path, hash), '{}') from supamigrate.seed_file);
end
$function$;

-- call: migration with name (the path), checksum (of the file), statements, and in_ledger: whether the
-- CLI is to know of it. Returns {results: […]} as apply does.
create or replace function supamigrate.seed(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  seed constant jsonb := call->'migration';
  result jsonb;
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();
  result := supamigrate.run_migration(call, seed, 'seed', 'seed ' || (seed->>'name'));
  if not (result->>'success')::boolean then
    perform supamigrate.write_log(call, 'seed', 'failed', seed->>'name', null, seed->>'checksum',
      (result->>'execution_time_ms')::integer, result->'error');
  end if;
  return jsonb_build_object('results', jsonb_build_array(result));
end
$function$;

create or replace function supamigrate.record_seeded(
  call jsonb, seed jsonb, duration integer
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into supamigrate.seed_file (path, hash)
  values (seed->>'name', seed->>'checksum')
  on conflict (path) do update set hash = excluded.hash, seeded_at = clock_timestamp();
  if (seed->>'in_ledger')::boolean then
    if not exists (
      select from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
       where n.nspname = 'supabase_migrations' and c.relname = 'seed_files')
    then
      create table supabase_migrations.seed_files (path text not null primary key, hash text not null);
    end if;
    insert into supabase_migrations.seed_files (path, hash)
    values (seed->>'name', seed->>'checksum')
    on conflict (path) do update set hash = excluded.hash;
  end if;
  perform supamigrate.write_log(call, 'seed', 'ok', seed->>'name', null, seed->>'checksum', duration);
end
$function$;

-- Where nothing is applied any more, the data is gone with its tables.
create or replace function supamigrate.forget_seeds() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  paths text[];
begin
  with forgotten as (delete from supamigrate.seed_file returning path)
  select array_agg(path) into paths from forgotten;
  if paths is not null and exists (
    select from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'supabase_migrations' and c.relname = 'seed_files'
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
       and has_table_privilege(c.oid, 'delete'))
  then
    delete from supabase_migrations.seed_files where path = any (paths);
  end if;
end
$function$;

-- Applying and reverting. Called by supamigrate.perform alone, which holds the lock row.

-- What a failure of a migration comes from here, and not in psql: null where it is the same there.
create or replace function supamigrate.explain_failure(state text, message text) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case
    when state = '21000' and message ~ 'requires a WHERE clause$' then
      'The API''s connections of this project refuse UPDATE and DELETE without WHERE (safeupdate), '
      'and do not let it be turned off: write WHERE true.'
    when state = '42501' and message ~ '^cannot set parameter "(role|session_authorization)"' then
      'Through the API a migration runs inside a function with its owner''s rights, where PostgreSQL '
      'lets no other role be set. Use --via direct, or leave the role as it is.'
    -- Settings of a library that is not loaded are known from the server's configuration, and
    -- this view does not have them.
    when state in ('42501', '0A000')
         and current_setting('role') <> 'none'
         and current_setting('supautils.reserved_roles', true) is not null
         and not exists (select from pg_settings where name = 'supautils.reserved_roles') then
      'The API''s connections of this project do not load supautils, which on Supabase gives '
      'postgres such rights (extensions, policies and triggers on auth, storage and realtime, event '
      'triggers, publications). Use --via direct or --via management.'
  end
$function$;

-- Constraints that a migration leaves deferred are checked while the migration can still be
-- undone and named. Later migrations in this transaction find them as declared, so they are
-- named one by one: after SET CONSTRAINTS ALL, constraints that are yet to be made would not
-- be deferred either. Those of other sessions' temporary tables are theirs, and what another
-- session drops in between needs no check.
create or replace function supamigrate.check_deferred_constraints() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  deferrable_names text;
  deferred_names text;
begin
  for attempt in 1..5 loop
    -- A name may stand for several constraints of a schema; where one of them cannot be deferred,
    -- PostgreSQL does not defer the others by that name.
    select string_agg(quoted, ', '),
           string_agg(quoted, ', ') filter (where all_deferrable and any_deferred)
      into deferrable_names, deferred_names
      from (select format('%I.%I', n.nspname, c.conname) as quoted,
                   bool_and(c.condeferrable) as all_deferrable,
                   bool_or(c.condeferred) as any_deferred
              from pg_constraint c
              join pg_namespace n on n.oid = c.connamespace
             where not pg_is_other_temp_schema(n.oid)
             group by n.nspname, c.conname
            having bool_or(c.condeferrable)) constraints;
    begin
      if deferrable_names is not null then
        execute 'set constraints ' || deferrable_names || ' immediate';
      end if;
      if deferred_names is not null then
        execute 'set constraints ' || deferred_names || ' deferred';
      end if;
      return;
    exception when undefined_object or undefined_table or invalid_schema_name then
      -- Where it is not another session's doing, it is there the last time as well.
      if attempt = 5 then
        raise;
      end if;
    end;
  end loop;
end
$function$;

-- A migration may hold no statements, but a call that leaves them out is none.
create or replace function supamigrate.require_statements(migration jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  if jsonb_typeof(migration->'statements') is distinct from 'array' then
    raise exception 'The call brings no list of statements for "%"', migration->>'name'
      using errcode = 'invalid_parameter_value';
  end if;
end
$function$;

-- What PostgreSQL says of a failure may quote SQL that the migration made itself, with a password
-- or a key in it. The rest of that SQL is what its reader needs.
create or replace function supamigrate.hide_secrets(said text) returns text
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $function$
begin
  said := regexp_replace(said, '(\mpassword\s+)(e?''([^'']|'''')*''?)', '\1''[hidden]''', 'gi');
  said := regexp_replace(said, '(\mpassword\s+)\$\w*\$.*', '\1[hidden]', 'gi');
  said := regexp_replace(said, '\msb_secret_[\w-]+', '[hidden]', 'g');
  said := regexp_replace(said, '\meyJ[\w-]+\.[\w-]+\.[\w-]+', '[hidden]', 'g');
  return regexp_replace(said, '(-----BEGIN [A-Z ]*PRIVATE KEY-----).*', '\1 [hidden]');
end
$function$;

-- A function that calls itself until the stack ends has thousands of frames, and a frame may quote
-- SQL of any length. Where the error was comes first, and where it all began last.
create or replace function supamigrate.shorten_context(context text) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select string_agg(
           case when number = 13 and total > 16 then format('… %s more lines …', total - 15)
                when length(frame) > 500 then left(frame, 499) || '…'
                else frame
           end, E'\n' order by number)
    from (select frame, number, count(*) over () as total
            from regexp_split_to_table(context, '\n') with ordinality as list (frame, number)) frames
   where total <= 16 or number <= 13 or number > total - 3
$function$;

-- Runs the statements of a migration in a subtransaction, together with the history row that
-- says so. Returns {success, execution_time_ms, closed_door} or {success: false, error}; after a
-- failure nothing of the migration is left.
--
-- migration: name, checksum, batch, rollback_sql, statements as [[line, sql], …], and undo
-- (likewise) where the version before is to be undone first. purpose: apply, revert or seed.
--
-- What a migration makes of the search_path and of its role ends with its statements. Between them
-- nothing is looked up that is not qualified, no operator either: public may stand before
-- pg_catalog by then, and hold others.
create or replace function supamigrate.run_migration(
  call jsonb, migration jsonb, purpose text, label text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  started constant timestamp with time zone := clock_timestamp();
  default_path constant text := supamigrate.default_search_path();
  role_before constant text := current_setting('role');
  is_api_call constant boolean := role_before <> 'none';
  records_query constant text := supamigrate.records_query();
  records_before jsonb;
  records_after jsonb;
  missing_before constant text := supamigrate.missing_way_in();
  exposed jsonb := '{}';
  exposes boolean := false;
  part text;
  begins boolean;
  number integer := 0;
  lines integer[];
  texts text[];
  line integer;
  statement text;
  step text;
  resets boolean[];
  alters_routine boolean[];
  may_make_trigger boolean[];
  may_find_events boolean[];
  began timestamp with time zone;
  time_limit text;
  role_now text;
  held_cursor name;
  closed_door boolean;
  duration integer;
  failure jsonb;
  state text; message text; detail text; hint text; context text;
  schema_of text; table_of text; column_of text; constraint_of text;
begin
  perform supamigrate.require_statements(migration);
  perform supamigrate.require_step(migration, purpose);
  execute records_query into records_before;
  begin
    if is_api_call then
      exposed := supamigrate.expose_event_functions();
      exposes := exposed <> '{}';
    end if;
    foreach part in array array['undo', 'statements'] loop
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      perform pg_catalog.set_config('standard_conforming_strings', 'on', true);
      begins := true;
      number := 0;
      -- Into arrays: a loop over a query keeps a cursor open, which CLOSE ALL would close.
      select array_agg((item->>0)::integer order by position),
             -- EXECUTE has run a SELECT … INTO by the time that it refuses it, and goes by the last
             -- statement of its text.
             coalesce(array_agg(
               case when item->>1 ~* '^(select|with|\()' and item->>1 ~* '\minto\M'
                    then (item->>1) || E'\n;select'
                    else item->>1
               end order by position), '{}'),
             -- These go back to the defaults of the API's session, where a migration means its own.
             array_agg(item->>1 ~* '^(reset\s+(all|search_path|statement_timeout)|set\s+((session|local)\s+)?(search_path|statement_timeout)\s*(=|to)\s*default)\M'
                       order by position),
             array_agg(is_api_call and item->>1 ~*
                         '^(create(\s+or\s+replace)?|alter|drop)\s+(function|routine|event\s+trigger)\M'
                       order by position),
             array_agg(is_api_call and item->>1 ~* '\mevent(\s+|_)trigger\M|\msecurity\s+definer\M'
                       order by position),
             -- These fail where rows of the table were changed and a deferred constraint is unchecked.
             array_agg(item->>1 ~* '^((alter|drop)\s+table|truncate|create\s+(unique\s+)?index|reindex|cluster)\M'
                       order by position)
        into lines, texts, resets, alters_routine, may_make_trigger, may_find_events
        from jsonb_array_elements(migration->part) with ordinality as list (item, position);
      foreach statement in array texts loop
        number := number operator(pg_catalog.+) 1;
        line := lines[number];
        step := pg_catalog.left(pg_catalog.concat('supamigrate ', label, ' line ', line), 63);
        if begins then
          perform pg_catalog.set_config('search_path', default_path, true);
          begins := false;
        end if;
        perform pg_catalog.set_config('application_name', step, true);
        if alters_routine[number] then
          perform supamigrate.restore_event_functions(exposed);
        end if;
        time_limit := pg_catalog.current_setting('statement_timeout');
        began := pg_catalog.clock_timestamp();
        if not may_find_events[number] then
          execute statement;
        else
          -- In psql each statement is a transaction, at whose end the constraints are checked.
          begin
            execute statement;
          exception when object_in_use then
            perform supamigrate.check_deferred_constraints();
            execute statement;
          end;
        end if;
        -- The server takes the time of the whole call alone; what a migration asks for is looked at
        -- when the statement has ended.
        if time_limit operator(pg_catalog.<>) '0' and (
             pg_catalog.clock_timestamp() operator(pg_catalog.-) began
             operator(pg_catalog.>) time_limit::pg_catalog.interval) then
          raise exception 'canceling statement due to statement timeout'
            using errcode = 'query_canceled', detail = pg_catalog.format(
              'It took %s, and statement_timeout is %s.',
              pg_catalog.clock_timestamp() operator(pg_catalog.-) began, time_limit);
        end if;
        if alters_routine[number] then
          exposed := supamigrate.expose_event_functions();
          exposes := exposed operator(pg_catalog.<>) '{}';
        elsif exposes or may_make_trigger[number] then
          exposed := supamigrate.follow_statement(exposed, statement);
        end if;
        if resets[number] then
          role_now := pg_catalog.current_setting('role');
          if role_now operator(pg_catalog.<>) role_before then
            perform pg_catalog.set_config('role', role_before, false);
          end if;
          perform pg_catalog.set_config('search_path', default_path, true);
          perform supamigrate.set_defaults();
          if role_now operator(pg_catalog.<>) role_before then
            perform pg_catalog.set_config('role', role_now, false);
          end if;
        end if;
      end loop;
    end loop;

    -- What follows is read anew, under the settings that there are.
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    perform pg_catalog.set_config('standard_conforming_strings', 'on', true);
    perform pg_catalog.set_config('quote_all_identifiers', 'off', true);
    part := 'end';
    -- As COMMIT does: a cursor that is to outlive the transaction is read to its end, with the
    -- rights that there are, and all others are closed.
    foreach held_cursor in array array(select name from pg_cursors where is_holdable) loop
      execute format('move forward all in %I', held_cursor);
    end loop;
    execute 'close all';
    if current_setting('role') <> role_before then
      perform set_config('role', role_before, false);
    end if;
    if to_regclass('supamigrate.migration_history') is null then
      raise exception 'The migration drops the schema supamigrate, in which it is recorded'
        using errcode = 'SM002', hint = 'Leave that schema out of what the migration drops.';
    end if;
    perform supamigrate.check_deferred_constraints();
    closed_door := supamigrate.guard_door(missing_before);
    perform supamigrate.refuse_breaches('The migration leaves supamigrate unsafe to use');
    -- The last of the checks, and in here: the migration may have replaced what was called so far.
    execute records_query into records_after;
    if records_after is distinct from records_before then
      raise exception 'The migration changes what is recorded of migrations, in the schema supamigrate: %', (
          select string_agg(key, ', ' order by key)
            from jsonb_each(records_before) earlier
            full join jsonb_each(records_after) later using (key)
           where earlier.value is distinct from later.value)
        using errcode = 'SM002',
              hint = 'Leave that schema alone: repair mends the history, and says so in the log.';
    end if;
    if is_api_call then
      perform supamigrate.refuse_hidden_event_triggers();
      perform supamigrate.restore_event_functions(exposed);
    end if;
    duration := extract(epoch from clock_timestamp() - started) * 1000;
    if (migration->'step'->>'number')::integer < (migration->'step'->>'total')::integer then
      perform supamigrate.record_step(call, migration, purpose, duration);
    elsif purpose = 'apply' then
      perform supamigrate.record_applied(call, migration, duration);
    elsif purpose = 'seed' then
      perform supamigrate.record_seeded(call, migration, duration);
    else
      perform supamigrate.record_reverted(call, migration, duration);
    end if;
    return jsonb_build_object(
      'name', migration->>'name', 'success', true,
      'execution_time_ms', duration, 'closed_door', closed_door);
  exception when query_canceled or assert_failure or others then
    get stacked diagnostics
      state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint, context = pg_exception_context,
      schema_of = schema_name, table_of = table_name, column_of = column_name,
      constraint_of = constraint_name;
  end;

  set local search_path = pg_catalog, pg_temp;
  hint := concat_ws(E'\n', nullif(hint, ''), supamigrate.explain_failure(state, message));
  failure := jsonb_strip_nulls(jsonb_build_object(
    'code', state, 'message', supamigrate.hide_secrets(message),
    'detail', supamigrate.hide_secrets(nullif(detail, '')),
    'hint', supamigrate.hide_secrets(nullif(hint, '')),
    -- Where the error came from inside a function or DO block; the frames from the statement
    -- itself outwards are ours.
    'context', case when part <> 'end' then
      nullif(supamigrate.hide_secrets(supamigrate.shorten_context(rtrim(split_part(
        split_part(context, format('SQL statement "%s"', statement), 1),
        'PL/pgSQL function supamigrate.', 1), E'\n'))), '') end,
    'schema', nullif(schema_of, ''), 'table', nullif(table_of, ''),
    'column_name', nullif(column_of, ''), 'constraint', nullif(constraint_of, ''),
    'part', part,
    'statement', case when part <> 'end' then number end,
    'line', case when part <> 'end' then line end));
  duration := extract(epoch from clock_timestamp() - started) * 1000;
  return jsonb_build_object(
    'name', migration->>'name', 'success', false,
    'execution_time_ms', duration, 'error', failure);
end
$function$;

create or replace function supamigrate.record_applied(
  call jsonb, migration jsonb, duration integer
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform supamigrate.record_as_applied(migration, duration + supamigrate.time_of_steps(migration, 'apply'));
  perform supamigrate.write_log(call, 'apply', 'ok', migration->>'name',
    (select batch_number from supamigrate.migration_history
      where migration_history.migration_name = migration->>'name'),
    migration->>'checksum', duration,
    jsonb_strip_nulls(jsonb_build_object('reason', migration->>'reason',
      'redo', case when migration ? 'undo' then true end,
      'statements_checksum', migration->>'statements_checksum')),
    migration->>'rollback_sql');
  perform supamigrate.write_ledger(migration);
end
$function$;

create or replace function supamigrate.record_failed(
  call jsonb, migration jsonb, result jsonb
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform supamigrate.record_attempt(migration, (result->>'execution_time_ms')::integer,
    result->'error', supamigrate.steps_done(migration));
  perform supamigrate.write_log(call, 'apply', 'failed', migration->>'name',
    (migration->>'batch')::integer, migration->>'checksum',
    (result->>'execution_time_ms')::integer, result->'error');
end
$function$;

-- call: migration, and what is known of why it cannot end: it took its connection away each time
-- that it was sent. Records that it failed, as a call of its own.
create or replace function supamigrate.give_up(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb := call->'migration';
  result jsonb := jsonb_build_object(
    'name', migration->>'name', 'success', false, 'execution_time_ms', 0, 'error', call->'error');
begin
  if call->>'purpose' = 'apply' then
    perform supamigrate.record_failed(call, migration, result);
  else
    perform supamigrate.record_failed_rollback(call, migration, result);
  end if;
  return jsonb_build_object('results', jsonb_build_array(result));
end
$function$;

create or replace function supamigrate.record_reverted(
  call jsonb, migration jsonb, duration integer
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  update supamigrate.migration_history
     set status = 'rolled_back', applied_checksum = null, progress = null,
         error_message = null, error = null
   where migration_name = migration->>'name'
     and (applied_checksum is not null or progress is not null);
  if not found then
    raise exception 'Migration "%" is not applied', migration->>'name' using errcode = 'SM003';
  end if;
  perform supamigrate.write_log(call, 'rollback', 'ok', migration->>'name',
    (migration->>'batch')::integer, null, duration,
    jsonb_build_object('source', migration->>'source'));
  perform supamigrate.write_ledger(migration);
  if not exists (select from supamigrate.migration_history where applied_checksum is not null) then
    perform supamigrate.forget_seeds();
  end if;
end
$function$;

create or replace function supamigrate.record_failed_rollback(
  call jsonb, migration jsonb, result jsonb
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform supamigrate.write_log(call, 'rollback', 'failed', migration->>'name',
    (migration->>'batch')::integer, null, (result->>'execution_time_ms')::integer,
    result->'error');
end
$function$;

-- call: migrations, and atomic: whether a failure undoes those before it in this call as well.
-- Rollback SQL to refresh may come along, which saves a call.
-- Returns {results: […]}; the first failure ends the list.
create or replace function supamigrate.apply(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb;
  result jsonb;
  results jsonb := '[]';
  failed boolean := false;
begin
  perform supamigrate.refresh_rollback(call);

  begin
    -- An array, for the same reason as the statements in run_migration.
    foreach migration in array array(
      select item
        from jsonb_array_elements(call->'migrations') with ordinality as list (item, position)
       order by position)
    loop
      perform supamigrate.leave_clean();
      perform supamigrate.set_defaults();
      result := supamigrate.run_migration(call, migration, 'apply', migration->>'name');
      results := results || result;
      failed := not (result->>'success')::boolean;
      exit when failed;
    end loop;
    if failed and (call->>'atomic')::boolean then
      raise exception 'undo the run' using errcode = 'SM001';
    end if;
  exception when sqlstate 'SM001' then
    null; -- what ran before the failure in this call is undone; variables keep their values
  end;

  if failed then
    perform supamigrate.record_failed(call, migration, result);
  end if;
  notify pgrst, 'reload schema';
  return jsonb_build_object('results', results);
end
$function$;

-- call: migration with name, batch, source and statements. Returns {results: […]} as apply does.
create or replace function supamigrate.revert(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb := call->'migration';
  result jsonb;
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();
  result := supamigrate.run_migration(call, migration, 'revert', 'rollback ' || (migration->>'name'));
  if not (result->>'success')::boolean then
    perform supamigrate.record_failed_rollback(call, migration, result);
  end if;
  notify pgrst, 'reload schema';
  return jsonb_build_object('results', jsonb_build_array(result));
end
$function$;

-- Statements outside a transaction as jobs of pg_cron, which needs nothing but this database. A job
-- has a session of its own, as its owner, and runs its one statement by itself. What pg_cron knows of
-- it stands in cron.job_run_details.
--
-- Nothing here is looked up before pg_cron is there: these are PL/pgSQL for that reason.

-- Whether jobs can be run, and their ends be seen.
create or replace function supamigrate.has_pg_cron() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select exists (select from pg_extension where extname = 'pg_cron')
     and coalesce(nullif(current_setting('cron.log_run', true), ''), 'on')::boolean
$function$;

-- A date that never comes: a job that has begun goes on, and does not begin again.
create or replace function supamigrate.never() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select '0 0 30 2 *'
$function$;

-- Has a statement run as soon as possible, and once if the job is looked after: pg_cron knows seconds
-- from 1.5 on. Returns the job's number.
create or replace function supamigrate.schedule_job(name text, statement text) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  version constant integer[] := (
    select string_to_array(substring(extversion from '^\d+\.\d+'), '.')::integer[]
      from pg_extension
     where extname = 'pg_cron');
begin
  if version is null then
    raise exception 'pg_cron is not there any more' using errcode = 'SM003';
  end if;
  return cron.schedule(
    left(format('supamigrate %s %s', gen_random_uuid(), name), 200),
    case when version >= array[1, 5] then '5 seconds' else '* * * * *' end,
    statement);
end
$function$;

-- What a call that leaves no trace begins with, so that it never runs twice.
create or replace function supamigrate.claim(claimed uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  insert into supamigrate.operation (id, generation, sequence, action, reply)
  values (claimed, 0, 0, 'claim', '{}')
$function$;

-- activity where the job runs or waits for its turn; else how it ended.
create or replace function supamigrate.watch_job(
  job_number bigint, out activity jsonb, out ended boolean, out failure jsonb
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  run record;
  progress_now jsonb;
begin
  select details.* into run
    from cron.job_run_details details
   where details.jobid = job_number
   order by details.runid
   limit 1;
  ended := false;
  if run.runid is null then
    -- A job that is gone and has not run never will.
    if exists (select from cron.job where jobid = job_number) then
      activity := '{"waiting": true}';
    end if;
    return;
  end if;
  perform cron.alter_job(jobid, schedule := supamigrate.never())
     from cron.job
    where jobid = job_number
      and schedule <> supamigrate.never();

  if run.status = 'succeeded' then
    ended := true;
  elsif run.status = 'failed' then
    failure := jsonb_build_object('code', 'pg_cron',
      'message', rtrim(regexp_replace(run.return_message, '^ERROR:\s+', ''), E'\n'));
  -- A crash of the server leaves its last words unsaid.
  elsif run.job_pid is null or exists (select from pg_stat_activity where pid = run.job_pid) then
    select jsonb_build_object('phase', phase, 'done', blocks_done, 'total', nullif(blocks_total, 0))
      into progress_now
      from pg_stat_progress_create_index
     where pid = run.job_pid;
    activity := jsonb_build_object('pid', run.job_pid,
      'running_ms', (extract(epoch from clock_timestamp() - run.start_time) * 1000)::bigint,
      'progress', progress_now);
  end if;
end
$function$;

create or replace function supamigrate.remove_job(job_number bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform cron.unschedule(jobid) from cron.job where jobid = job_number;
end
$function$;

-- Nobody will look after the job of a step that has begun, as its row says something else from now on:
-- it must not begin again. pg_cron would cancel it with its removal, where it runs.
create or replace function supamigrate.abandon_job(progress jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  job_number constant bigint := (progress->'outside'->>'job')::bigint;
  job record;
begin
  if job_number is null or not exists (select from pg_extension where extname = 'pg_cron') then
    return;
  end if;
  select * into job from supamigrate.watch_job(job_number);
  if job.activity is null or job.activity ? 'waiting' then
    perform supamigrate.remove_job(job_number);
  end if;
end
$function$;

-- Steps outside a transaction. They cannot commit together with the history, so there are three
-- commits: the intent, which says what is about to be run and what there was before; the effect;
-- and the proof that it is there, read from the catalog. Each run that comes upon an intent finds
-- out what became of it: still running, done, left half done, or nothing.
--
-- A statement runs over a connection that the client opens for it (whose server process the intent
-- names, so that nothing can come late over it once that process is gone), or as a job of pg_cron.
--
-- outside, in progress of the history row:
--
--   digest       of the step
--   attempt      from 1
--   began        when
--   before       what observe() found before
--   pid, backend_start   of the connection; or
--   job          of pg_cron
--   cleanup      what takes away what an attempt has left, while that runs; null otherwise
--   failure      why that attempt ended

-- What is there of what a statement makes or takes away, as far as its kind leaves a trace. Names are
-- looked up as the statement's session will.
create or replace function supamigrate.observe(outside jsonb, settings jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  facts constant jsonb := outside->'facts';
  setting text;
  relation oid;
  part oid;
  found_named boolean;
begin
  begin
    perform set_config('search_path', supamigrate.default_search_path(), true);
    for setting in
      select pg_catalog.jsonb_array_elements_text(settings)
    loop
      execute setting;
    end loop;
    relation := pg_catalog.to_regclass(
      coalesce(facts operator(pg_catalog.->>) 'table', facts operator(pg_catalog.->>) 'name'));
    part := pg_catalog.to_regclass(facts operator(pg_catalog.->>) 'partition');
    raise exception using errcode = 'SM001'; -- the settings go, what was found stays
  exception when sqlstate 'SM001' then
    null;
  end;

  case outside->>'kind'
    when 'create index' then
      return jsonb_build_object('table', relation, 'indexes', (
        select coalesce(jsonb_object_agg(i.indexrelid, i.indisvalid), '{}')
          from pg_index i
          join pg_class c on c.oid = i.indexrelid
          join pg_am m on m.oid = c.relam
         where i.indrelid = relation
           and c.relname = coalesce(facts->>'name', c.relname)
           and m.amname = facts->>'method'
           and i.indisunique = (facts->>'unique')::boolean
           and i.indnkeyatts = (facts->>'keys')::integer
           and i.indnatts = (facts->>'columns')::integer
           and (i.indpred is not null) = (facts->>'partial')::boolean));
    when 'drop index' then
      return jsonb_build_object('index', relation);
    when 'reindex' then
      return jsonb_build_object('indexes', (
        select coalesce(jsonb_object_agg(indexrelid, indisvalid), '{}')
          from pg_index
         where relation in (indrelid, indexrelid)));
    when 'detach partition' then
      return jsonb_build_object('state', (
        select case when inhdetachpending then 'pending' else 'attached' end
          from pg_inherits
         where inhparent = relation and inhrelid = part));
    when 'create named', 'drop named' then
      execute format('select exists (select from pg_catalog.%I where %I = $1)',
        facts->>'catalog', case facts->>'catalog'
          when 'pg_database' then 'datname'
          when 'pg_tablespace' then 'spcname'
          when 'pg_subscription' then 'subname'
          when 'pg_replication_slots' then 'slot_name'
        end)
        into found_named using (facts->>'name')::name;
      return jsonb_build_object('exists', found_named);
    else
      return '{}'::jsonb;
  end case;
end
$function$;

-- What the difference between before and now says: done, nothing, or left with a statement as
-- cleanup. unknown where the kind leaves no trace.
create or replace function supamigrate.judge_outside(
  outside jsonb, before jsonb, present jsonb
) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  relation oid;
begin
  case outside->>'kind'
    when 'create index' then
      -- Of the indexes that are new, the first one: nobody else makes one of this name, if it has one.
      select key::oid into relation
        from jsonb_each_text(present->'indexes')
       where not before->'indexes' ? key
       order by value desc
       limit 1;
      if relation is null then
        return '{"verdict": "nothing"}';
      elsif (present->'indexes'->>relation::text)::boolean then
        return '{"verdict": "done"}';
      end if;
      return jsonb_build_object('verdict', 'left',
        'cleanup', format('drop index concurrently if exists %s', supamigrate.name_of(relation)));
    when 'drop index' then
      return case
        when before->'index' = 'null' then '{"verdict": "nothing"}'
        when not exists (select from pg_class where oid = (before->>'index')::oid) then '{"verdict": "done"}'
        else '{"verdict": "nothing"}' -- an index that is dropped in part is dropped again
      end::jsonb;
    when 'reindex' then
      -- What an attempt has built and not put into place. It is run again as a whole.
      select key::oid into relation
        from jsonb_each_text(present->'indexes')
        join pg_class c on c.oid = key::oid
       where not before->'indexes' ? key
         and not value::boolean
         and c.relname ~ '_cc(new|old)\d*$'
       limit 1;
      if relation is null then
        return '{"verdict": "unknown"}';
      end if;
      return jsonb_build_object('verdict', 'left',
        'cleanup', format('drop index concurrently if exists %s', supamigrate.name_of(relation)));
    when 'detach partition' then
      return case
        when before->>'state' is null then '{"verdict": "nothing"}'
        when present->>'state' is null then '{"verdict": "done"}'
        when present->>'state' = 'pending' and before->>'state' = 'attached' then
          jsonb_build_object('verdict', 'left', 'cleanup', format('alter table %s detach partition %s finalize',
            outside->'facts'->>'table', outside->'facts'->>'partition'))::text
        else '{"verdict": "nothing"}'
      end::jsonb;
    when 'create named', 'drop named' then
      return case
        when before <> present then '{"verdict": "done"}'
        else '{"verdict": "nothing"}'
      end::jsonb;
    else
      return '{"verdict": "unknown"}';
  end case;
end
$function$;

create or replace function supamigrate.name_of(relation oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select format('%I.%I', n.nspname, c.relname)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
   where c.oid = relation
$function$;

-- What runs at this moment of an attempt: its session, with progress where the server reports some;
-- null where nothing does. A session that waits for its client is not at work: of a client that is
-- gone it is ended here, so that nothing can come over it any more. Of the caller, who still waits for
-- an answer over it, it is idle: the statement is on its way there, or the answer on its way back.
create or replace function supamigrate.find_attempt(intent jsonb, call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  session record;
  progress_now jsonb;
begin
  select pid, state, query_start into session
    from pg_stat_activity
   where pid = (intent->>'pid')::integer
     and extract(epoch from backend_start)::text = intent->>'backend_start';
  -- The embedded database names no process: it has one, which ends with its client.
  if call ? 'waiting' and session.state is distinct from 'active'
     and (session.pid is not null or intent->'pid' is null or intent->'pid' = 'null')
     and intent->>'pid' is not distinct from call->'connection'->>'pid' then
    return '{"idle": true}';
  end if;
  if session.pid is null then
    return null;
  end if;
  if session.state = 'active' then
    select jsonb_build_object('phase', phase, 'done', blocks_done, 'total', nullif(blocks_total, 0))
      into progress_now
      from pg_stat_progress_create_index
     where pid = session.pid;
    return jsonb_build_object('pid', session.pid,
      'running_ms', (extract(epoch from clock_timestamp() - session.query_start) * 1000)::bigint,
      'progress', progress_now);
  end if;
  if intent->>'pid' = call->'connection'->>'pid' then
    return null;
  end if;
  perform pg_terminate_backend(session.pid);
  return jsonb_build_object('pid', session.pid);
end
$function$;

-- Begins an attempt: what it runs is in the reply, for the connection that the call names, or has been
-- given to pg_cron.
create or replace function supamigrate.begin_attempt(
  migration jsonb, intent jsonb, call jsonb, statement text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  if intent ? 'job' then
    perform supamigrate.remove_job((intent->>'job')::bigint);
  end if;
  intent := intent - array['pid', 'backend_start', 'job'];
  if call->>'way' = 'pg_cron' then
    if migration->'step'->'outside'->>'kind' = 'once' then
      statement := format('do %1$s begin perform supamigrate.claim(%2$L); commit; %3$s; end %1$s',
        '$supamigrate$', gen_random_uuid(), statement);
    end if;
    intent := intent || jsonb_build_object('job', supamigrate.schedule_job(migration->>'name', statement));
  else
    intent := intent || jsonb_build_object(
      'pid', call->'connection'->'pid', 'backend_start', call->'connection'->'backend_start');
  end if;
  update supamigrate.migration_history
     set progress = jsonb_set(progress, '{outside}', intent)
   where migration_name = migration->>'name';
  return case when call->>'way' = 'pg_cron'
    then jsonb_build_object('status', 'running', 'activity', null)
    else jsonb_build_object('status', 'run', 'statement', statement) end;
end
$function$;

-- Takes a step outside a transaction one commit further.
--
-- call: migration with step (as for apply) and, in it, outside, settings, line and statement; purpose;
-- way (connection or pg_cron); connection {pid, backend_start}; and what the client knows of the
-- attempt: waiting (it has no answer yet), ended, or failure.
--
-- Returns status: run (with the statement, over that connection), running, unknown, or done with
-- results as apply has them.
create or replace function supamigrate.advance(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  most_attempts constant integer := 3;
  migration constant jsonb := call->'migration';
  step constant jsonb := migration->'step';
  outside constant jsonb := step->'outside';
  digest constant text := step->'digests'->>-1;
  progress_now jsonb;
  intent jsonb;
  activity jsonb;
  judged jsonb;
  failure jsonb;
  ended boolean;
begin
  perform supamigrate.require_step(migration, call->>'purpose');
  select progress into progress_now
    from supamigrate.migration_history
   where migration_name = migration->>'name'
     and progress->>'purpose' = call->>'purpose';
  intent := progress_now->'outside';

  if intent is null or intent->>'digest' <> digest then
    intent := jsonb_build_object('digest', digest, 'attempt', 1, 'began', clock_timestamp(),
      'before', supamigrate.observe(outside, step->'settings'), 'cleanup', null, 'failure', null);
    progress_now := coalesce(progress_now, jsonb_build_object(
      'purpose', call->'purpose', 'digests', '[]'::jsonb, 'execution_time_ms', 0))
      || jsonb_build_object('steps', step->'total', 'outside', intent);
    if call->>'purpose' = 'apply' then
      perform supamigrate.record_attempt(migration, 0, null, progress_now);
    else
      update supamigrate.migration_history
         set progress = progress_now
       where migration_name = migration->>'name';
    end if;
    return supamigrate.begin_attempt(migration, intent, call, step->>'statement');
  end if;

  failure := call->'failure';
  ended := coalesce((call->>'ended')::boolean, false);
  if intent ? 'job' then
    select job.* into activity, ended, failure
      from supamigrate.watch_job((intent->>'job')::bigint) job;
  else
    activity := supamigrate.find_attempt(intent, call);
  end if;
  if activity is not null and not activity ? 'idle' then
    return jsonb_build_object('status', 'running', 'activity', activity);
  end if;

  judged := supamigrate.judge_outside(
    outside, intent->'before', supamigrate.observe(outside, step->'settings'));
  if judged->>'verdict' = 'done' or
     (ended and failure is null and intent->>'cleanup' is null and judged->>'verdict' <> 'left') then
    return supamigrate.end_outside(call, intent, null);
  end if;
  if activity is not null then
    return jsonb_build_object('status', 'running', 'activity', activity);
  end if;

  -- What an attempt has left is taken away before anything else is done.
  if judged->>'verdict' = 'left' then
    if intent->>'cleanup' is not null and (intent->>'attempt')::integer > 2 * most_attempts then
      return supamigrate.end_outside(call, intent, coalesce(
        nullif(intent->'failure', 'null'), failure, jsonb_build_object('code', '57000', 'message',
          format('What the statement has left cannot be removed: %s', judged->>'cleanup'))));
    end if;
    intent := intent || jsonb_build_object('cleanup', judged->'cleanup',
      'attempt', (intent->>'attempt')::integer + 1,
      'failure', coalesce(nullif(intent->'failure', 'null'), failure));
    return supamigrate.begin_attempt(migration, intent, call, judged->>'cleanup');
  end if;
  if intent->>'cleanup' is not null then
    failure := nullif(intent->'failure', 'null');
    intent := intent || '{"cleanup": null, "failure": null}';
  end if;

  if failure is not null then
    return supamigrate.end_outside(call, intent, failure);
  end if;
  -- Nobody knows whether it has run, and it must not run twice.
  if outside->>'kind' = 'once' then
    return jsonb_build_object('status', 'unknown');
  end if;
  if (intent->>'attempt')::integer >= 2 * most_attempts then
    return supamigrate.end_outside(call, intent, jsonb_build_object('code', '57000', 'message', format(
      'The statement was begun %s times and left nothing behind', intent->>'attempt')));
  end if;
  intent := intent || jsonb_build_object('attempt', (intent->>'attempt')::integer + 1);
  return supamigrate.begin_attempt(migration, intent, call, step->>'statement');
end
$function$;

-- The step is done, or has failed. failure: code, message and the like, or null.
create or replace function supamigrate.end_outside(
  call jsonb, intent jsonb, failure jsonb
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration constant jsonb := call->'migration';
  step constant jsonb := migration->'step';
  duration constant integer :=
    extract(epoch from clock_timestamp() - (intent->>'began')::timestamp with time zone) * 1000;
  result jsonb;
begin
  if intent ? 'job' then
    perform supamigrate.remove_job((intent->>'job')::bigint);
  end if;
  update supamigrate.migration_history
     set progress = supamigrate.steps_done(migration)
   where migration_name = migration->>'name';
  result := jsonb_build_object('name', migration->>'name', 'success', failure is null,
    'execution_time_ms', duration, 'closed_door', false);
  if failure is not null then
    result := result || jsonb_build_object('error', failure || jsonb_build_object(
      'message', supamigrate.hide_secrets(failure->>'message'),
      'part', 'statements', 'statement', 1, 'line', step->'line'));
    if call->>'purpose' = 'apply' then
      perform supamigrate.record_failed(call, migration, result);
    else
      perform supamigrate.record_failed_rollback(call, migration, result);
    end if;
  elsif (step->>'number')::integer < (step->>'total')::integer then
    perform supamigrate.record_step(call, migration, call->>'purpose', duration);
  elsif call->>'purpose' = 'apply' then
    perform supamigrate.record_applied(call, migration, duration);
  else
    -- Where it is the first step as well, nothing but this says that it has begun.
    perform supamigrate.record_reverted(call, migration, duration);
  end if;
  notify pgrst, 'reload schema';
  return jsonb_build_object('status', 'done', 'results', jsonb_build_array(result));
end
$function$;

-- What `fresh --drop-schema` finds in a database: what belongs to the application, to Supabase and to
-- others.

-- Schemas that the platform, its extensions or other tools keep for themselves.
create or replace function supamigrate.is_platform_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select schema_name like 'pg\_%'
      or schema_name like '\_%'
      or schema_name in (
        'information_schema', 'public', 'supamigrate',
        'auth', 'storage', 'realtime', 'extensions', 'graphql', 'graphql_public', 'vault',
        'pgbouncer', 'pgsodium', 'pgsodium_masks', 'pgtle', 'pgmq', 'pgmq_public', 'net', 'cron',
        'dbdev', 'repack', 'tiger', 'tiger_data', 'topology',
        'supabase_functions', 'supabase_migrations', 'etl')
      or exists (
        select
          from pg_namespace n
          join pg_depend d on d.classid = 'pg_namespace'::regclass and d.objid = n.oid
         where n.nspname = schema_name and d.deptype = 'e')
$function$;

-- Those that the caller owns, as it does what its migrations make.
create or replace function supamigrate.is_application_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select not supamigrate.is_platform_schema(schema_name)
     and exists (
       select from pg_namespace
        where nspname = schema_name and pg_has_role(nspowner, 'usage'))
$function$;

-- The application's schemas, what stands in them and directly in public, and why what stays does.
-- Left out is what cannot be dropped by itself: members of extensions, sequences of columns,
-- the functions that make ranges; and the door.
create or replace function supamigrate.list_droppable(created jsonb)
returns table (
  schema_name name, class_id oid, object_id oid, object_type text, identity text, reason text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with removed as (
    select kind, name
      from jsonb_to_recordset(created) as item (kind text, name text, made boolean)
     where made
  ), listed as (
    select n.nspname, d.classid, d.objid, coalesce(s.refobjid, 10) as owner -- what the bootstrap superuser owns is not on record
      from pg_namespace n
      join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
      left join pg_shdepend s
        on s.dbid = (select oid from pg_database where datname = current_database())
       and s.classid = d.classid and s.objid = d.objid and s.objsubid = 0 and s.deptype = 'o'
     where (n.nspname = 'public' or supamigrate.is_application_schema(n.nspname))
       and d.deptype = 'n'
       and d.objsubid = 0
       and d.classid <> 'pg_extension'::regclass
       and not exists (
         select from pg_depend e
          where e.classid = d.classid
            and e.objid = d.objid
            and e.objsubid = 0
            and (e.deptype in ('e', 'i')
                 or e.deptype = 'a' and e.refobjsubid > 0 and e.refclassid = 'pg_class'::regclass
                    and d.classid = 'pg_class'::regclass))
       and not (d.classid = 'pg_proc'::regclass
                and d.objid in (select oid from supamigrate.doors()))
    union all
    select nspname, 'pg_namespace'::regclass, oid, nspowner
      from pg_namespace
     where not supamigrate.is_platform_schema(nspname)
  )
  select nspname, classid, objid, o.type, o.identity,
         case
           when t.evtname is not null
             then format('the event trigger %I uses it, which no migration made', t.evtname)
           when (nspname = 'public' or classid = 'pg_namespace'::regclass)
                and not pg_has_role(owner, 'usage')
                and not exists (
                  select from removed r
                   where r.kind = 'role' and r.name = pg_get_userbyid(owner))
             then format('it belongs to %I', pg_get_userbyid(owner))
         end
    from listed
   cross join lateral pg_identify_object(classid, objid, 0) o
    left join lateral (
      select min(evtname) as evtname
        from pg_event_trigger
       where classid = 'pg_proc'::regclass
         and evtfoid = objid
         and not exists (
           select from removed r where r.kind = 'event trigger' and r.name = evtname)) t on true
$function$;

-- What stays and is neither the platform's nor this caller's, down to the last column: other roles'
-- schemas, their tables in public, and extensions. CASCADE would take from them what depends on what
-- is dropped, and asks nobody.
create or replace function supamigrate.list_of_others()
returns table (class_id oid, object_id oid, sub_id integer, description text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with space as materialized (
    select oid, nspname
      from pg_namespace
     where not supamigrate.is_platform_schema(nspname)
       and not supamigrate.is_application_schema(nspname)
  ), relation as materialized (
    select c.oid, format('%I.%I', n.nspname, c.relname) as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and (n.oid in (select oid from space)
            or n.nspname = 'public' and not pg_has_role(c.relowner, 'usage'))
  )
  select 'pg_class'::regclass::oid, oid, 0, name from relation
  union all
  select 'pg_class'::regclass, a.attrelid, a.attnum, format('column %I of %s', a.attname, name)
    from relation r join pg_attribute a on a.attrelid = r.oid
   where a.attnum > 0 and not a.attisdropped
  union all
  select 'pg_attrdef'::regclass, d.oid, 0, format('a default of %s', name)
    from relation r join pg_attrdef d on d.adrelid = r.oid
  union all
  select 'pg_constraint'::regclass, c.oid, 0, format('constraint %I of %s', c.conname, name)
    from relation r join pg_constraint c on c.conrelid = r.oid
  union all
  select 'pg_trigger'::regclass, t.oid, 0, format('trigger %I of %s', t.tgname, name)
    from relation r join pg_trigger t on t.tgrelid = r.oid
   where not t.tgisinternal
  union all
  select 'pg_policy'::regclass, p.oid, 0, format('policy %I of %s', p.polname, name)
    from relation r join pg_policy p on p.polrelid = r.oid
  union all
  select 'pg_proc'::regclass, p.oid, 0, p.oid::regprocedure::text
    from space
    join pg_proc p on p.pronamespace = space.oid
  union all
  select 'pg_extension'::regclass, oid, 0, format('extension %I', extname) from pg_extension
$function$;

-- What migrations made outside of the application's schemas, for `fresh --drop-schema`: roles,
-- publications, buckets and so on. Those that would keep the migrations from being applied again are
-- named by the caller, who reads them from the migrations' text:
--
--   created: [{kind, name, schema, relation, made}, …], where made says that a migration that is
--   applied created it. Those go with the application's schemas; whatever else is in the way
--   keeps the drop from being done.

-- What the names in created stand for, where that is an object of the catalog: with its schema, its
-- table where it goes with one, and who owns it, or that table. number: its place in created.
create or replace function supamigrate.find_objects(created jsonb)
returns table (
  number bigint, class_id oid, object_id oid, schema_id oid, table_id oid, owner oid)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with wanted as materialized (
    select item->>'kind' as kind, item->>'name' as name, item->>'relation' as relation, n.oid as space, place
      from jsonb_array_elements(created) with ordinality as list (item, place)
      left join pg_namespace n on n.nspname = item->>'schema'
  ), found (place, class_id, object_id, schema_id, table_id) as (
    select place, 'pg_authid'::regclass::oid, r.oid, null::oid, null::oid
      from wanted w join pg_roles r on w.kind = 'role' and r.rolname = w.name
    union all
    select place, 'pg_namespace'::regclass, n.oid, n.oid, null
      from wanted w join pg_namespace n on w.kind = 'schema' and n.nspname = w.name
    union all
    select place, 'pg_extension'::regclass, e.oid, null, null
      from wanted w join pg_extension e on w.kind = 'extension' and e.extname = w.name
    union all
    select place, 'pg_publication'::regclass, p.oid, null, null
      from wanted w join pg_publication p on w.kind = 'publication' and p.pubname = w.name
    union all
    select place, 'pg_event_trigger'::regclass, e.oid, null, null
      from wanted w join pg_event_trigger e on w.kind = 'event trigger' and e.evtname = w.name
    union all
    select place, 'pg_foreign_data_wrapper'::regclass, f.oid, null, null
      from wanted w
      join pg_foreign_data_wrapper f on w.kind = 'foreign data wrapper' and f.fdwname = w.name
    union all
    select place, 'pg_foreign_server'::regclass, s.oid, null, null
      from wanted w join pg_foreign_server s on w.kind = 'server' and s.srvname = w.name
    union all
    select place, 'pg_user_mapping'::regclass, m.umid, null, null
      from wanted w
      join pg_user_mappings m
        on w.kind = 'user mapping' and m.usename = w.name and m.srvname = w.relation
    union all
    select place, 'pg_policy'::regclass, p.oid, space, c.oid
      from wanted w
      join pg_class c on w.kind = 'policy' and c.relnamespace = space and c.relname = w.relation
      join pg_policy p on p.polrelid = c.oid and p.polname = w.name
    union all
    select place, 'pg_trigger'::regclass, t.oid, space, c.oid
      from wanted w
      join pg_class c on w.kind = 'trigger' and c.relnamespace = space and c.relname = w.relation
      join pg_trigger t on t.tgrelid = c.oid and t.tgname = w.name
    union all
    select place, 'pg_class'::regclass, c.oid, space, i.indrelid
      from wanted w
      join pg_class c on w.kind = 'relation' and c.relnamespace = space and c.relname = w.name
      left join pg_index i on i.indexrelid = c.oid
     where c.relkind <> 'c'
    union all
    select place, 'pg_type'::regclass, t.oid, space, null
      from wanted w
      join pg_type t on w.kind = 'type' and t.typnamespace = space and t.typname = w.name
      left join pg_class c on c.oid = t.typrelid
     where coalesce(c.relkind, 'c') = 'c'
    union all
    select place, 'pg_proc'::regclass, p.oid, space, null
      from wanted w
      join pg_proc p on w.kind = 'function' and p.pronamespace = space and p.proname = w.name
     -- An extension may have one of that name for other arguments.
     where not exists (
       select from pg_depend e
        where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
  )
  select place, f.class_id, f.object_id, f.schema_id, f.table_id, coalesce(s.refobjid, 10)
    from found f
    left join pg_shdepend s
      on s.dbid = (select oid from pg_database where datname = current_database())
     and s.classid = case when f.table_id is null then f.class_id else 'pg_class'::regclass end
     and s.objid = coalesce(f.table_id, f.object_id)
     and s.objsubid = 0
     and s.deptype = 'o'
$function$;

-- Rows of the platform's own tables that migrations insert, and what keeps them from being deleted.
create or replace function supamigrate.find_rows(kind text, name text, relation text)
returns table (description text, obstacle text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
  place name[] := case kind
    when 'bucket' then '{storage,buckets}'
    when 'cron job' then '{cron,job}'
    when 'vault secret' then '{vault,secrets}'
    when 'user' then '{auth,users}'
  end;
  files bigint;
begin
  if not exists (
    select from pg_namespace n
      join pg_class c on c.relnamespace = n.oid
     where n.nspname = place[1] and c.relname = place[2]
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) then
    return;
  end if;
  case kind
    when 'bucket' then
      if exists (select from storage.buckets b where b.id = name) then
        select count(*) into files from storage.objects o where o.bucket_id = name;
        return query select format('bucket %I', name),
          case when files > 0 then concat('it holds ', files, ' file', case when files > 1 then 's' end) end;
      end if;
    when 'cron job' then
      return query
        select format('cron job %s (%s: %s)', j.jobid, j.schedule, left(j.command, 60)), null::text
          from cron.job j
         where j.jobname is null and j.schedule = name and j.command = relation
           and j.username = current_user and j.database = current_database();
    when 'vault secret' then
      return query
        select format('vault secret %I', name), null::text
          from vault.secrets s
         where s.name = name;
    when 'user' then
      return query
        select format('user %s', name), 'it is an account of the project'::text
          from auth.users u
         where u.id::text = name;
  end case;
end
$function$;

-- What keeps a role from being dropped with its rights: whatever of its own stays.
create or replace function supamigrate.find_ties(role_id oid, created jsonb) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case
      when count(*) > 1 then format('it owns %s and %s more', min(tie), count(*) - 1)
      else min('it owns ' || tie)
    end
    from (
      select case
          when dbid not in (0, here.oid) then 'something in another database'
          else concat(o.type, ' ', o.identity)
        end as tie
        from pg_shdepend s
        join pg_database here on here.datname = current_database()
        left join lateral pg_identify_object(s.classid, s.objid, s.objsubid) o
          on dbid in (0, here.oid)
        left join pg_namespace n on n.nspname = o.schema
       where s.refclassid = 'pg_authid'::regclass
         and s.refobjid = role_id
         and (s.deptype = 'o' or dbid not in (0, here.oid))
         and s.classid <> 'pg_default_acl'::regclass
         and (n.oid is null or n.nspname <> 'public' and not supamigrate.is_application_schema(n.nspname))
         and not exists (
           select from pg_namespace own
            where s.classid = 'pg_namespace'::regclass
              and own.oid = s.objid
              and supamigrate.is_application_schema(own.nspname))
         and not exists (
           select
             from jsonb_to_recordset(created) as item (kind text, name text, made boolean)
            where made and item.name = o.identity)) ties
$function$;

-- An extension that holds data takes it along.
create or replace function supamigrate.find_data(extension_id oid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  member regclass;
  filled boolean;
begin
  for member in
    select c.oid
      from pg_depend d
      join pg_class c on c.oid = d.objid
     where d.classid = 'pg_class'::regclass
       and d.refclassid = 'pg_extension'::regclass
       and d.refobjid = extension_id
       and d.deptype = 'e'
       and c.relkind in ('r', 'p')
  loop
    execute format('select exists (select from %s)', member) into filled;
    if filled then
      return format('it has rows in %s', member);
    end if;
  end loop;
  return null;
end
$function$;

-- What there is of created outside of the application's schemas. obstacle: why it cannot be
-- removed. number: its place in created.
create or replace function supamigrate.find_outside(created jsonb)
returns table (
  number bigint, kind text, name text, relation text, class_id oid, object_id oid,
  description text, obstacle text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with wanted as materialized (
    select item->>'kind' as kind, item->>'name' as name, item->>'schema' as schema,
           item->>'relation' as relation, (item->>'made')::boolean as made, place
      from jsonb_array_elements(created) with ordinality as list (item, place)
  ), emptied as materialized (
    select oid, nspname
      from pg_namespace
     where nspname = 'public' or supamigrate.is_application_schema(nspname)
  ), staying as materialized (
    -- In public what others own stays, and what an event trigger uses.
    select w.*, f.class_id, f.object_id, f.table_id, f.owner
      from supamigrate.find_objects(created) f
      join wanted w on w.place = f.number
      left join emptied s on s.oid = f.schema_id
     where s.oid is null
        or w.kind <> 'schema' and s.nspname = 'public' and not pg_has_role(f.owner, 'usage')
        or w.kind = 'function' and exists (
             select from pg_event_trigger e where e.evtfoid = f.object_id)
  ), found as (
    select f.*,
           case f.kind
             when 'user mapping' then format('user mapping for %s on server %I', f.name, f.relation)
             else concat(o.type, ' ', o.identity)
           end as description,
           case f.kind
             when 'role' then supamigrate.find_ties(f.object_id, created)
             when 'extension' then supamigrate.find_data(f.object_id)
             when 'function' then (
               select format('the event trigger %I uses it, which no migration made', e.evtname)
                 from pg_event_trigger e
                where e.evtfoid = f.object_id
                limit 1)
           end as obstacle
      from staying f
     cross join lateral pg_identify_object(f.class_id, f.object_id, 0) o
     where case f.kind
         when 'policy' then f.schema not in ('auth', 'storage', 'realtime')
         -- A trigger goes with its function, and a function with the event trigger that uses it.
         when 'trigger' then not exists (
           select
             from pg_trigger t
             join pg_proc p on p.oid = t.tgfoid
             join emptied s on s.oid = p.pronamespace
            where t.oid = f.object_id
              and (s.nspname <> 'public' or pg_has_role(p.proowner, 'usage')))
         when 'function' then not exists (
           select
             from pg_event_trigger e
             join wanted x on x.kind = 'event trigger' and x.name = e.evtname and x.made
            where e.evtfoid = f.object_id)
         else true
       end
       -- What goes with its schema or its table.
       and not exists (
         select
           from wanted x
           left join pg_class c on c.oid = f.table_id
          where x.made
            and (x.kind = 'schema' and x.name = f.schema
                 or x.kind = 'relation' and x.name = c.relname and x.schema = f.schema))
  )
  select place, kind, name, relation, class_id, object_id, description,
         case
           when not made then 'no migration that is applied made it'
           when obstacle is not null then obstacle
           -- Of the others it may be that the caller may drop them all the same.
           when kind not in ('role', 'extension', 'user mapping', 'policy', 'trigger')
                and not pg_has_role(owner, 'usage')
             then format('it belongs to %I', pg_get_userbyid(owner))
         end
    from found
  union all
  select place, kind, name, relation, null, null, r.description,
         case when not made then 'no migration that is applied made it' else r.obstacle end
    from wanted
   cross join lateral supamigrate.find_rows(kind, name, relation) r
$function$;

-- Removes one thing that migrations made outside of the application's schemas.
create or replace function supamigrate.remove_outside(
  kind text, name text, relation text, class_id oid, object_id oid
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
  object record;
begin
  case kind
    when 'bucket' then
      -- Storage refuses deletions, for they would leave files without a row. There are none.
      perform set_config('storage.allow_delete_query', 'true', true);
      delete from storage.buckets b where b.id = name;
      perform set_config('storage.allow_delete_query', 'false', true);
    when 'cron job' then
      perform cron.unschedule(j.jobid)
         from cron.job j
        where j.jobname is null and j.schedule = name and j.command = relation
          and j.username = current_user and j.database = current_database();
    when 'vault secret' then
      delete from vault.secrets s where s.name = name;
    when 'user mapping' then
      perform supamigrate.execute_drop('user mapping',
        format('for %s server %I', case name when 'public' then name else quote_ident(name) end,
               relation), '');
    else
      select * into strict object from pg_identify_object(class_id, object_id, 0);
      if kind = 'role' then
        -- Whoever makes roles may join them, and has to, to take their rights from them.
        if not pg_has_role(object_id, 'usage') then
          execute format('grant %s to %I', object.identity, current_user);
        end if;
        execute format('drop owned by %s', object.identity);
      end if;
      perform supamigrate.execute_drop(object.type, object.identity,
        case kind when 'schema' then 'cascade' else '' end);
  end case;
end
$function$;

-- `fresh --drop-schema`: empties what belongs to the application and leaves what belongs to
-- Supabase. supamigrate.survey_drop says what it would come to, and is called before anything is
-- asked; drop_application_schemas is called by supamigrate.perform alone. What belongs to whom is in
-- application_schemas.sql; created, as both are called with, is explained in outside_objects.sql.

-- What a drop would come to. kept: what stays, of what would be the application's by its place.
-- lost: what would go with a schema and is no migration's. outside: what there is of created,
-- by its number from 1.
create or replace function supamigrate.survey_drop(call jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with staying as (
    select *, concat(object_type, ' ', identity) as description
      from supamigrate.list_droppable(call->'created')
     where reason is not null
  )
  select jsonb_build_object(
    'kept', (
      select coalesce(jsonb_agg(jsonb_build_object('description', description, 'reason', reason)
                                order by description), '[]')
        from staying
       where schema_name = 'public' or class_id = 'pg_namespace'::regclass),
    'lost', (
      select coalesce(jsonb_agg(jsonb_build_object('description', description, 'reason', reason)
                                order by description), '[]')
        from staying
       where schema_name <> 'public' and class_id <> 'pg_namespace'::regclass),
    'outside', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'number', number, 'description', description, 'obstacle', obstacle)
               order by number), '[]')
        from supamigrate.find_outside(call->'created')))
$function$;

-- Drops one thing, or several of a kind; says which where that fails.
create or replace function supamigrate.execute_drop(object_type text, identities text, behavior text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  detail text;
  hint text;
begin
  execute format('drop %s %s %s',
    case object_type
      when 'statistics object' then 'statistics'
      when 'foreign-data wrapper' then 'foreign data wrapper'
      when 'function' then 'routine'
      when 'procedure' then 'routine'
      when 'aggregate' then 'routine'
      else object_type
    end, identities, behavior);
exception when insufficient_privilege or dependent_objects_still_exist then
  get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
  raise exception 'Cannot drop % %: %', object_type, identities, sqlerrm
    using errcode = sqlstate, detail = detail,
          hint = concat('Nothing was dropped. Drop it in the SQL editor, then run this again.',
                        ' ' || nullif(hint, ''));
end
$function$;

-- Drops what list_droppable says, a hundred a command: PostgreSQL looks through all that a command
-- drops for each of it, and what there is would have to be looked up anew for each command.
create or replace function supamigrate.drop_all(created jsonb) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target record;
  identities text;
  dropped text[] := '{}';
begin
  -- Policies on the platform's tables are the application's; they would stand in the way of
  -- the migrations that create them.
  for target in
    select format('%I on %I.%I', p.polname, n.nspname, c.relname) as identity
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('auth', 'storage', 'realtime')
     order by n.nspname, c.relname, p.polname
  loop
    perform supamigrate.execute_drop('policy', target.identity, '');
    dropped := dropped || ('policy ' || target.identity);
  end loop;

  -- So are privileges on extensions' tables. Supabase takes its own there back and grants them anew
  -- each time that CREATE EXTENSION IF NOT EXISTS is run, and cannot where they were passed on.
  for target in
    select distinct c.oid::regclass as relation,
           case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee
      from pg_depend d
      join pg_class c on c.oid = d.objid
     cross join lateral aclexplode(c.relacl) acl
     where d.classid = 'pg_class'::regclass
       and d.deptype = 'e'
       and acl.grantor <> c.relowner
       and acl.grantor = (select oid from pg_roles where rolname = current_user)
     order by 1, 2
  loop
    execute format('revoke all on %s from %s', target.relation, target.grantee);
    dropped := dropped || format('privileges of %s on %s', target.grantee, target.relation);
  end loop;

  for target in
    select class_id, object_type, array_agg(object_id order by object_id) as objects,
           array_agg(concat(object_type, ' ', identity) order by object_id)
             filter (where schema_name = 'public') as described
      from (select *, row_number() over (partition by class_id, object_type order by object_id) as place
              from supamigrate.list_droppable(created)
             where reason is null and class_id <> 'pg_namespace'::regclass) listed
     -- Operator classes and families are dropped one by one.
     group by class_id, object_type, place / case when object_type like 'operator %' then 1 else 100 end
     order by class_id <> 'pg_class'::regclass, class_id, min(object_id)
  loop
    -- CASCADE may have taken some along.
    select string_agg(
             case o.type
               -- Two procedures may differ in what they give back alone.
               when 'procedure' then format('%I.%I(%s)', o.schema, p.proname,
                                            pg_get_function_identity_arguments(p.oid))
               else o.identity
             end, ', ')
      into identities
      from unnest(target.objects) object_id
     cross join lateral pg_identify_object(target.class_id, object_id, 0) o
      left join pg_proc p on target.class_id = 'pg_proc'::regclass and p.oid = object_id
     where o.identity is not null;
    if identities is not null then
      perform supamigrate.execute_drop(target.object_type, identities, 'cascade');
    end if;
    dropped := dropped || target.described;
  end loop;

  for target in
    select nspname from pg_namespace
     where supamigrate.is_application_schema(nspname)
     order by nspname
  loop
    perform supamigrate.execute_drop('schema', quote_ident(target.nspname), 'cascade');
    dropped := dropped || format('schema %I', target.nspname);
  end loop;
  return dropped;
end
$function$;

-- call: created, and remove: the descriptions of those that the caller was told would be removed.
create or replace function supamigrate.drop_application_schemas(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  created constant jsonb := coalesce(call->'created', '[]');
  survey constant jsonb := supamigrate.survey_drop(call);
  outside jsonb;
  kept jsonb;
  target record;
  lost text;
  dropped text[] := '{}';
  missing_before constant text := supamigrate.missing_way_in();
  others jsonb;
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();

  if jsonb_array_length(survey->'lost') > 0
     or jsonb_path_exists(survey, '$.outside[*].obstacle ? (@ != null)')
     or jsonb_path_query_array(survey, '$.outside[*].description') <> coalesce(call->'remove', '[]') then
    raise exception 'What would be in the way of the migrations has changed since it was looked at'
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'Nothing was dropped. Run the command again.';
  end if;

  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into outside
    from supamigrate.find_outside(created) item;
  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into kept
    from (select class_id, object_id, concat(object_type, ' ', identity) as description
            from supamigrate.list_droppable(created)
           where reason is not null
          union all
          select 'pg_event_trigger'::regclass, oid, format('event trigger %I', evtname)
            from pg_event_trigger
           where not exists (
             select
               from jsonb_to_recordset(outside) as item (kind text, object_id oid)
              where item.kind = 'event trigger' and item.object_id = oid)) item;

  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into others
    from supamigrate.list_of_others() item;

  begin
    -- Event triggers first, so that they do not fire for the others; roles last, for they own some.
    for target in
      select item.*
        from (values
               (1, 'event trigger'), (2, null),
               (3, 'trigger'), (3, 'policy'), (3, 'relation'), (3, 'type'), (3, 'function'),
               (4, 'publication'), (5, 'user mapping'), (6, 'server'), (7, 'foreign data wrapper'),
               (8, 'bucket'), (8, 'cron job'), (8, 'vault secret'), (9, 'extension'), (10, 'schema'),
               (11, 'role')) ranks (rank, kind)
        left join jsonb_to_recordset(outside) as item (
               number bigint, kind text, name text, relation text, class_id oid, object_id oid,
               description text)
          on item.kind = ranks.kind
       where item.kind is not null or ranks.kind is null
       order by rank, item.number desc
    loop
      if target.kind is null then
        dropped := dropped || supamigrate.drop_all(created);
      else
        perform supamigrate.remove_outside(
          target.kind, target.name, target.relation, target.class_id, target.object_id);
        dropped := dropped || target.description;
      end if;
    end loop;
  exception when out_of_memory then
    raise exception 'Dropping everything in one transaction takes more locks than this server has room for'
      using errcode = 'program_limit_exceeded',
            hint = 'Nothing was dropped. Raise max_locks_per_transaction '
              || '(supabase postgres-config update --config max_locks_per_transaction=1024), or drop '
              || 'the largest schemas yourself in the SQL editor, then run this again.';
  end;

  -- CASCADE asks nobody.
  select string_agg(description, ', ')
    into lost
    from (select item.description
            from jsonb_to_recordset(kept) as item (class_id oid, object_id oid, description text)
           cross join lateral pg_identify_object(class_id, object_id, 0) o
           where o.identity is null
          union all
          select item.description
            from jsonb_to_recordset(others) as item (
                   class_id oid, object_id oid, sub_id integer, description text)
           where not exists (
                   select
                     from supamigrate.list_of_others() now
                    where now.class_id = item.class_id
                      and now.object_id = item.object_id
                      and now.sub_id = item.sub_id)
             and not exists (
                   select
                     from jsonb_to_recordset(outside) as gone (class_id oid, object_id oid)
                    where gone.class_id = item.class_id and gone.object_id = item.object_id)) lost_items;
  if lost is not null then
    raise exception 'What is to stay depends on what would be dropped: %', lost
      using errcode = 'dependent_objects_still_exist',
            hint = 'Nothing was dropped. Drop that yourself in the SQL editor, or untie it, then run '
              || 'this again.';
  end if;
  perform supamigrate.guard_door(missing_before);

  perform supamigrate.abandon_job(progress) from supamigrate.migration_history;
  update supamigrate.migration_history
     set status = 'rolled_back', applied_checksum = null, progress = null,
         error_message = null, error = null
   where applied_checksum is not null or status = 'failed';
  perform supamigrate.write_log(call, 'drop application schemas', 'ok',
    details => jsonb_build_object('dropped', to_jsonb(dropped)));
  perform supamigrate.write_ledger(call);
  perform supamigrate.forget_seeds();
  notify pgrst, 'reload schema';
  return jsonb_build_object('dropped', to_jsonb(dropped));
end
$function$;

-- The histories of other migration tools, as far as their tables can be told by name. What they are,
-- lib/adoption says. Only what those tools write is read, and only where it is of a built-in type:
-- reading it runs nobody's code.
--
-- Returns an array of {schema, table, columns, neighbours, rows, entries}: how many rows there are,
-- and with with_entries what is in them. rows is null where the table cannot be read.
create or replace function supamigrate.read_histories(with_entries boolean) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  histories jsonb := '[]';
  candidate record;
  row_count bigint;
  entries jsonb;
begin
  for candidate in
    select n.nspname, c.relname,
           has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select') as readable,
           (select coalesce(jsonb_agg(a.attname order by a.attnum), '[]') from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
           (select coalesce(jsonb_agg(neighbour.relname), '[]') from pg_class neighbour
             where neighbour.relnamespace = n.oid
               and neighbour.relname in ('ar_internal_metadata')) as neighbours,
           -- Whole numbers as text: the longest versions are no numbers of JavaScript's.
           (select string_agg(
                     format(case when a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                                 then '%1$I::text as %1$I' else '%I' end, a.attname), ', ')
              from pg_attribute a
              join pg_type t on t.oid = a.atttypid
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
               and t.typnamespace = 'pg_catalog'::regnamespace
               and a.attname in (
                 'version', 'statements', 'name', 'dirty',                       -- several tools
                 'id', 'version_id', 'is_applied', 'tstamp',                     -- goose
                 'run_on',                                                       -- node-pg-migrate
                 'migration_name', 'checksum', 'started_at', 'finished_at', 'rolled_back_at', -- Prisma
                 'hash', 'created_at', 'applied_at',                             -- Drizzle
                 'installed_rank', 'type', 'script', 'installed_on', 'success',  -- Flyway
                 'change', 'project', 'committed_at',                            -- Sqitch
                 'filename', 'date')) as read_columns                            -- graphile-migrate
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')
       and c.relname in (
         'schema_migrations', 'goose_db_version', 'pgmigrations', '_prisma_migrations',
         '__drizzle_migrations', 'flyway_schema_history', 'changes', 'migrations')
       and (n.nspname in ('public', 'supabase_migrations')
            or not supamigrate.is_platform_schema(n.nspname))
     order by n.nspname, c.relname
  loop
    row_count := null;
    entries := null;
    if candidate.readable and candidate.read_columns is not null then
      execute format('select count(*) from %I.%I', candidate.nspname, candidate.relname) into row_count;
      if with_entries then
        execute format('select coalesce(jsonb_agg(to_jsonb(entry)), ''[]'') from (select %s from %I.%I) entry',
                       candidate.read_columns, candidate.nspname, candidate.relname) into entries;
      end if;
    end if;
    histories := histories || jsonb_build_object(
      'schema', candidate.nspname, 'table', candidate.relname, 'columns', candidate.columns,
      'neighbours', candidate.neighbours, 'rows', row_count, 'entries', entries);
  end loop;
  return histories;
end
$function$;

-- Those of a database in which nothing is applied that this tool knows of: there they may be the
-- history.
create or replace function supamigrate.find_histories() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  if exists (select from supamigrate.migration_history where applied_checksum is not null) then
    return '[]';
  end if;
  return supamigrate.read_histories(false);
end
$function$;

-- Reading. Everything that a plan is made of, in one call and from one snapshot (STABLE: the
-- snapshot of the calling statement), so that the lock's generation and sequence vouch for the
-- history beside them. Tools of all versions begin with this call: its name and its parameter
-- stay as they are.
--
-- call: files, the checksums of the files that say how they are undone. The stored rollback SQL of
-- all other applied migrations comes along, with a look at the whole log, and none where files is
-- left out. vouched: the log says the same of a migration as the history. missing_history: what is
-- applied by the log, and of which the history has no row.
create or replace function supamigrate.state(call jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with logged as materialized (select * from supamigrate.logged_state())
  select jsonb_build_object(
    'schema_version', (select schema_version from supamigrate.installation where id = 1),
    'server_version', current_setting('server_version'),
    'in_recovery', pg_is_in_recovery(),
    'open_doors', (
      select coalesce(jsonb_agg(jsonb_build_object('function', function_name, 'role', role_name)), '[]')
        from supamigrate.open_doors()),
    'breaches', (
      select coalesce(jsonb_agg(breach), '[]') from supamigrate.breaches() breach),
    'lock', (
      select supamigrate.describe_lock(held) from supamigrate.migration_lock held where id = 1),
    'activity', supamigrate.describe_activity(),
    'has_pg_cron', supamigrate.has_pg_cron(),
    'ledger', supamigrate.describe_ledger(),
    'other_histories', supamigrate.find_histories(),
    'rollbacks', (
      select coalesce(jsonb_object_agg(migration_name, rollback_sql), '{}')
        from supamigrate.migration_history
       where call ? 'files'
         and rollback_sql is not null
         and applied_checksum is distinct from call->'files'->>migration_name),
    'log', case when call ? 'files' then supamigrate.verify_log() end,
    'history', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'name', known.migration_name,
               'batch', known.batch_number,
               'executed_at', known.executed_at,
               'execution_time_ms', known.execution_time_ms,
               'checksum', known.checksum,
               'applied_checksum', known.applied_checksum,
               'status', known.status,
               'statements_checksum', known.statements_checksum,
               'first_applied', logged.first_applied,
               'rollback_checksum', known.rollback_checksum,
               'progress', known.progress,
               'vouched', known.applied_checksum is not distinct from logged.applied_checksum
                 and coalesce(known.progress->'digests', '[]') = coalesce(logged.digests, '[]')
                 and (known.applied_checksum is null
                      or known.rollback_checksum is not distinct from logged.rollback_checksum
                         and known.statements_checksum is not distinct from logged.statements_checksum),
               'error', known.error)), '[]')
        from (select *, encode(sha256(convert_to(rollback_sql, 'UTF8')), 'hex') as rollback_checksum
                from supamigrate.migration_history) known
        left join logged using (migration_name)),
    'missing_history', (
      select coalesce(jsonb_agg(migration_name), '[]')
        from logged
       where applied_checksum is not null
         and migration_name not in (select migration_name from supamigrate.migration_history)))
$function$;

-- The audit log, newest first.
create or replace function supamigrate.read_log(most integer) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(jsonb_agg(to_jsonb(entry) order by entry.id desc), '[]')
    from (select * from supamigrate.migration_log order by id desc limit most) entry
$function$;

-- For channels that send a text and get the rows of its last statement back, as the Management API
-- does: runs one statement, which reads params as $1 and has a column result, and leaves the
-- connection clean, as exec_sql does, after errors too. It runs with the rights of its caller.

create or replace function supamigrate.serve(statement text, params jsonb) returns jsonb
language plpgsql volatile
set search_path = pg_catalog, pg_temp
as $function$
declare
  result jsonb;
begin
  discard temp;

  begin
    execute statement into result using params;
  exception when query_canceled or assert_failure or others then
    reset session authorization;
    perform supamigrate.leave_clean();
    raise;
  end;

  -- A migration may have become another role, which RESET ALL leaves as it is.
  reset session authorization;
  perform supamigrate.leave_clean();
  return result;
end
$function$;

-- The only function that the REST API shows. Runs SQL as the owner and returns its rows as a
-- JSON array (empty where the statement returns none). Values belong into params, which the
-- SQL reads as $1; nothing is ever put together from a value. Where params has a search_path, the
-- SQL runs with that one.
--
-- Who may call it is looked at by the function itself, before anything else: a dump that is restored
-- into another project does not carry the grants below, and that project's default privileges open
-- new functions to anon and authenticated. The setting role is the API's role, also in here; on a
-- direct connection it is none.
--
-- While the search_path is the statement's, no operator and no unqualified name is used here:
-- public may hold a function that matches better than the built-in one, and whoever made it would
-- have it run as the owner.
--
-- What a role, a database or the server sets has no say in how the tool's SQL is read, and how names
-- are written: quoted alike always, digests and lists can be compared.
--
-- statement_timeout: PostgREST takes a function's own setting for the whole transaction, so
-- that a long migration is not cancelled after authenticator's eight seconds.

create or replace function public.exec_sql(sql_query text, params jsonb default '{}'::jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
set quote_all_identifiers = off
set statement_timeout = 0
as $function$
declare
  caller name := coalesce(nullif(current_setting('role'), 'none'), session_user);
  result_cursor refcursor;
  result_row record;
  result_rows jsonb[] := '{}';
  opened boolean := true;
  state text;
  message text;
  detail text;
  hint text;
  -- The connection goes back into the API's pool as it was found. Uninstalling drops the
  -- function that sees to it, so it is looked up when it is needed.
  clean_up constant text := $sql$
    do $block$
    begin
      if pg_catalog.to_regprocedure('supamigrate.leave_clean()') is not null then
        perform supamigrate.leave_clean();
      end if;
    end
    $block$
  $sql$;
  -- PostgREST sets these two for the session, where RESET ALL would undo them.
  encoding text := current_setting('client_encoding');
  notices text := current_setting('client_min_messages');
begin
  if not pg_has_role(caller, 'service_role', 'member') then
    raise exception 'permission denied for function exec_sql: % is not service_role', caller
      using errcode = 'insufficient_privilege';
  end if;

  -- A temporary table that another request left would be found before the table it is called like.
  discard temp;

  begin
    perform set_config('search_path',
      coalesce(params->>'search_path', '"$user", public, extensions'), true);

    -- Opening a cursor plans the statement and executes nothing, so falling back to a plain
    -- EXECUTE (no rows to return, or several statements) cannot run anything twice.
    begin
      open result_cursor for execute sql_query using params;
    exception when others then
      opened := false;
    end;

    if opened then
      loop
        fetch result_cursor into result_row;
        exit when not found;
        result_rows := pg_catalog.array_append(result_rows, pg_catalog.to_jsonb(result_row));
      end loop;
      close result_cursor;
    else
      execute sql_query using params;
    end if;
  exception
    when serialization_failure or deadlock_detected then
      -- PostgREST repeats a transaction that ends with 40001, without limit before 16.
      get stacked diagnostics state = returned_sqlstate, message = message_text,
        detail = pg_exception_detail, hint = pg_exception_hint;
      detail := concat_ws(': ', state, nullif(detail, ''));
      execute clean_up;
      raise exception using errcode = 'PT409', message = message, detail = detail, hint = hint;
    when query_canceled or assert_failure or others then
      execute clean_up;
      raise;
  end;

  execute clean_up;
  perform pg_catalog.set_config('client_encoding', encoding, false);
  perform pg_catalog.set_config('client_min_messages', notices, false);

  return pg_catalog.to_jsonb(result_rows);
end
$function$;

comment on function public.exec_sql(text, jsonb) is
  'supamigrate: runs SQL for the service role, and for nobody else';

-- By name as well as from PUBLIC: default privileges grant new functions to anon and
-- authenticated by name, which revoking from PUBLIC alone would leave in place.
revoke all on function public.exec_sql(text, jsonb) from public, anon, authenticated;
grant execute on function public.exec_sql(text, jsonb) to service_role;

-- The end of the installation: nobody but the owner has anything to do in the schema. By name as
-- well, for what default privileges or a grant on every schema gave them.
revoke all on schema supamigrate from public, anon, authenticated, service_role;
revoke all on all tables in schema supamigrate from public, anon, authenticated, service_role;
revoke all on all sequences in schema supamigrate from public, anon, authenticated, service_role;
revoke all on all functions in schema supamigrate from public, anon, authenticated, service_role;

update supamigrate.installation set door = supamigrate.digest_door() where id = 1;

notify pgrst, 'reload schema';
