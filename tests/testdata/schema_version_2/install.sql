-- The tracking schema. It is private: no API role has USAGE on it, and everything in it is
-- reached through public.exec_sql alone. The script can be run again at any time.

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
  status            varchar(20) default 'completed'
                    constraint known_status check (status in ('completed', 'failed', 'rolled_back')),
  rollback_sql      text,
  error_message     text,
  error             jsonb,
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

do $block$
begin
  if exists (select from supamigrate.installation where schema_version > 2) then
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
end
$block$;

comment on column supamigrate.migration_lock.log_head is
  'The hash of the last entry of the audit log, so that a log that is cut off at its end shows';
comment on column supamigrate.migration_log.rollback_checksum is
  'SHA-256 of the rollback SQL that this entry put into the history; null where it put none';
comment on column supamigrate.migration_log.hash is
  'SHA-256 of this entry and of the hash of the one before';

insert into supamigrate.installation (id, schema_version) values (1, 2)
on conflict (id) do update set schema_version = excluded.schema_version, installed_at = now();

-- Leaves a connection clean. PostgREST pools connections, so what a migration leaves behind would
-- show in other users' requests.

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
  reset all;
  -- That ended the callers' own SET search_path as well, and they are not done yet.
  set local search_path = pg_catalog, pg_temp;
  discard temp;
  unlisten *;
  perform pg_advisory_unlock_all();
  for leftover in select name from pg_prepared_statements where from_sql loop
    execute format('deallocate %I', leftover);
  end loop;
  for leftover in select name from pg_cursors where is_holdable loop
    execute format('close %I', leftover);
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
  insert into supamigrate.migration_log (action, result, actor, details)
  values ('chain entries', 'ok', current_user, jsonb_build_object(
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

-- What the log says of each migration: which version is applied, and which rollback SQL is
-- stored. The history has to say the same.
create or replace function supamigrate.logged_state()
returns table (migration_name text, applied_checksum text, rollback_checksum text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select entry.migration_name,
         (array_agg(entry.checksum order by entry.id desc)
            filter (where entry.action <> 'refresh rollback'))[1],
         (array_agg(entry.rollback_checksum order by entry.id desc)
            filter (where entry.action <> 'rollback'))[1]
    from supamigrate.migration_log entry
   where entry.result = 'ok'
     and entry.action in ('apply', 'baseline', 'mark applied', 'mark pending', 'rollback',
                          'refresh rollback')
     and entry.id > coalesce((
       select max(id) from supamigrate.migration_log where action = 'drop application schemas'), 0)
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

-- What the door is made of: null where it is not there.
create or replace function supamigrate.digest_door() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select md5(concat_ws('|', prosrc, prosecdef, proconfig, provolatile, proowner))
    from pg_proc
   where oid = to_regprocedure('public.exec_sql(text, jsonb)')
$function$;

-- A migration may open the door without meaning to ("grant execute on all functions in
-- schema public", as dumps do). The own door is closed again in the same transaction; a
-- second exec_sql that the migration leaves open, or a door that is gone or another one, undoes
-- it.
create or replace function supamigrate.guard_door() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  opened text;
  callers text;
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
  select string_agg(distinct role_name, ', ') into callers from supamigrate.open_doors();
  if callers is not null then
    execute format('revoke all on function public.exec_sql(text, jsonb) from public, %s', callers);
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
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
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
  insert into supamigrate.migration_log
    (action, migration_name, batch_number, checksum, result, execution_time_ms,
     actor, tool_version, operation_id, details, rollback_checksum)
  values
    (action, migration_name, batch_number, checksum, result, execution_time_ms,
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

-- call: operation, token, generation, sequence, action, and what the action needs.
create or replace function supamigrate.perform(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  held supamigrate.migration_lock := supamigrate.take_lock_row();
  early jsonb := supamigrate.reply_early(held, call);
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
    when 'refresh'  then supamigrate.refresh_rollback(call)
    when 'baseline' then supamigrate.baseline(call)
    when 'repair'   then supamigrate.repair(call)
    when 'drop'     then supamigrate.drop_application_schemas(call)
    when 'release'  then '{}'::jsonb
  end;
  if reply is null then
    raise exception 'Unknown action "%"', call->>'action' using errcode = 'invalid_parameter_value';
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

-- Changes of the history that run no migration. Called by supamigrate.perform alone.

-- call: refresh, migrations with name and rollback_sql. A file's ROLLBACK section was changed,
-- its forward part was not.
create or replace function supamigrate.refresh_rollback(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb;
begin
  for migration in select item from jsonb_array_elements(call->'refresh') as list (item) loop
    update supamigrate.migration_history
       set rollback_sql = migration->>'rollback_sql'
     where migration_name = migration->>'name';
    perform supamigrate.write_log(call, 'refresh rollback', 'ok', migration->>'name',
      rollback_sql => migration->>'rollback_sql');
  end loop;
  return '{}'::jsonb;
end
$function$;

-- call: migrations with name, checksum, batch and rollback_sql. Recorded as applied, not run.
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
      rollback_sql => migration->>'rollback_sql');
  end loop;
  return '{}'::jsonb;
end
$function$;

create or replace function supamigrate.record_as_applied(
  migration jsonb, duration integer
) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  insert into supamigrate.migration_history
    (migration_name, batch_number, execution_time_ms, checksum, applied_checksum, rollback_sql,
     status, executed_at)
  values
    (migration->>'name', (migration->>'batch')::integer, duration,
     migration->>'checksum', migration->>'checksum', migration->>'rollback_sql',
     'completed', clock_timestamp())
  on conflict (migration_name) do update
     set batch_number = excluded.batch_number,
         execution_time_ms = excluded.execution_time_ms,
         checksum = excluded.checksum,
         applied_checksum = excluded.applied_checksum,
         rollback_sql = excluded.rollback_sql,
         status = excluded.status,
         executed_at = excluded.executed_at,
         error_message = null,
         error = null
$function$;

-- call: mark (applied or pending) and migration with name and, for applied, checksum, batch and
-- rollback_sql. The row as it was goes into the log.
create or replace function supamigrate.repair(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb := call->'migration';
  before jsonb;
begin
  if (call->>'mark' in ('applied', 'pending')) is not true then
    raise exception 'Unknown mark "%"', call->>'mark' using errcode = 'invalid_parameter_value';
  end if;
  select to_jsonb(h) into before
    from supamigrate.migration_history h
   where migration_name = migration->>'name';
  if call->>'mark' = 'applied' then
    perform supamigrate.record_as_applied(migration, 0);
  else
    delete from supamigrate.migration_history where migration_name = migration->>'name';
  end if;
  perform supamigrate.write_log(call, 'mark ' || (call->>'mark'), 'ok', migration->>'name',
    (migration->>'batch')::integer, migration->>'checksum',
    details => jsonb_build_object('before', before), rollback_sql => migration->>'rollback_sql');
  return '{}'::jsonb;
end
$function$;

-- Applying and reverting. Called by supamigrate.perform alone, which holds the lock row.

-- The search_path that the role postgres has on Supabase.
create or replace function supamigrate.default_search_path() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select '"$user", public, extensions'
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
  begin
    -- safeupdate refuses UPDATE and DELETE without WHERE, which migrations may well contain.
    perform set_config('safeupdate.enabled', 'off', true);
  exception when others then
    null; -- the role may not set it: the migration will be told by the server
  end;
end
$function$;

-- Constraints that a migration leaves deferred are checked while the migration can still be
-- undone and named. Later migrations in this transaction find them as declared, so they are
-- named one by one: after SET CONSTRAINTS ALL, constraints that are yet to be made would not
-- be deferred either.
create or replace function supamigrate.check_deferred_constraints() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  deferrable_names text;
  deferred_names text;
begin
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
           group by n.nspname, c.conname
          having bool_or(c.condeferrable)) constraints;
  if deferrable_names is not null then
    execute 'set constraints ' || deferrable_names || ' immediate';
  end if;
  if deferred_names is not null then
    execute 'set constraints ' || deferred_names || ' deferred';
  end if;
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

-- Runs the statements of a migration in a subtransaction, together with the history row that
-- says so. Returns {success, execution_time_ms, closed_door} or {success: false, error}; after a
-- failure nothing of the migration is left.
--
-- migration: name, checksum, batch, rollback_sql, statements as [[line, sql], …], and undo
-- (likewise) where the version before is to be undone first. purpose: apply or revert.
--
-- What a migration makes of the search_path ends with the function, whose clause sees to that.
-- Between its statements nothing is looked up that is not qualified, no operator either: public may
-- stand before pg_catalog by then, and hold others.
create or replace function supamigrate.run_migration(
  call jsonb, migration jsonb, purpose text, label text
) returns jsonb
language plpgsql
set search_path = "$user", public, extensions
as $function$
declare
  started timestamp with time zone := pg_catalog.clock_timestamp();
  part text;
  number bigint := 0;
  line integer;
  statement text;
  step text;
  resets boolean;
  closed_door boolean;
  duration integer;
  failure jsonb;
  state text; message text; detail text; hint text; context text;
  schema_of text; table_of text; column_of text; constraint_of text;
begin
  perform supamigrate.require_statements(migration);
  begin
    foreach part in array array['undo', 'statements'] loop
      perform pg_catalog.set_config('search_path', supamigrate.default_search_path(), true);
      number := 0;
      for number, line, statement, step, resets in
        select position, (item->>0)::integer, item->>1,
               pg_catalog.left(pg_catalog.concat('supamigrate ', label, ' line ', item->>0), 63),
               -- These go back to the defaults of the API's session, where a migration means its own.
               item->>1 ~* '^(reset\s+(all|search_path)|set\s+((session|local)\s+)?search_path\s*(=|to)\s*default)\M'
          from pg_catalog.jsonb_array_elements(migration->part) with ordinality as list (item, position)
         order by position
      loop
        perform pg_catalog.set_config('application_name', step, true);
        execute statement;
        if resets then
          perform pg_catalog.set_config('search_path', supamigrate.default_search_path(), true);
          perform supamigrate.set_defaults();
        end if;
      end loop;
    end loop;

    set local search_path = pg_catalog, pg_temp;
    part := 'end';
    if to_regclass('supamigrate.migration_history') is null then
      raise exception 'The migration drops the schema supamigrate, in which it is recorded'
        using errcode = 'SM002', hint = 'Leave that schema out of what the migration drops.';
    end if;
    perform supamigrate.check_deferred_constraints();
    closed_door := supamigrate.guard_door();
    perform supamigrate.refuse_breaches('The migration leaves supamigrate unsafe to use');
    duration := extract(epoch from clock_timestamp() - started) * 1000;
    if purpose = 'apply' then
      perform supamigrate.record_applied(call, migration, duration);
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
  failure := jsonb_strip_nulls(jsonb_build_object(
    'code', state, 'message', supamigrate.hide_secrets(message),
    'detail', supamigrate.hide_secrets(nullif(detail, '')),
    'hint', supamigrate.hide_secrets(nullif(hint, '')),
    -- Where the error came from inside a function or DO block; the frames from the statement
    -- itself outwards are ours.
    'context', case when part <> 'end' then
      nullif(supamigrate.hide_secrets(rtrim(split_part(
        split_part(context, format('SQL statement "%s"', statement), 1),
        'PL/pgSQL function supamigrate.', 1), E'\n')), '') end,
    'schema', nullif(schema_of, ''), 'table', nullif(table_of, ''),
    'column', nullif(column_of, ''), 'constraint', nullif(constraint_of, ''),
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
  perform supamigrate.record_as_applied(migration, duration);
  perform supamigrate.write_log(call, 'apply', 'ok', migration->>'name',
    (migration->>'batch')::integer, migration->>'checksum', duration,
    jsonb_strip_nulls(jsonb_build_object('reason', migration->>'reason',
      'redo', case when migration ? 'undo' then true end)),
    migration->>'rollback_sql');
end
$function$;

-- The version that is in the database, with its batch and its rollback SQL, stays on record.
create or replace function supamigrate.record_failed(
  call jsonb, migration jsonb, result jsonb
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into supamigrate.migration_history as known
    (migration_name, batch_number, execution_time_ms, checksum, status, executed_at,
     error_message, error)
  values
    (migration->>'name', (migration->>'batch')::integer, (result->>'execution_time_ms')::integer,
     migration->>'checksum', 'failed', clock_timestamp(),
     result->'error'->>'message', result->'error')
  on conflict (migration_name) do update
     set batch_number = case when known.applied_checksum is null
                             then excluded.batch_number else known.batch_number end,
         execution_time_ms = excluded.execution_time_ms,
         checksum = excluded.checksum,
         status = excluded.status,
         executed_at = excluded.executed_at,
         error_message = excluded.error_message,
         error = excluded.error;
  perform supamigrate.write_log(call, 'apply', 'failed', migration->>'name',
    (migration->>'batch')::integer, migration->>'checksum',
    (result->>'execution_time_ms')::integer, result->'error');
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
     set status = 'rolled_back', applied_checksum = null, error_message = null, error = null
   where migration_name = migration->>'name' and applied_checksum is not null;
  if not found then
    raise exception 'Migration "%" is not applied', migration->>'name' using errcode = 'SM003';
  end if;
  perform supamigrate.write_log(call, 'rollback', 'ok', migration->>'name',
    (migration->>'batch')::integer, null, duration,
    jsonb_build_object('source', migration->>'source'));
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
    for migration in
      select item
        from jsonb_array_elements(call->'migrations') with ordinality as list (item, position)
       order by position
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
    perform supamigrate.write_log(call, 'rollback', 'failed', migration->>'name',
      (migration->>'batch')::integer, null, (result->>'execution_time_ms')::integer,
      result->'error');
  end if;
  notify pgrst, 'reload schema';
  return jsonb_build_object('results', jsonb_build_array(result));
end
$function$;

-- `fresh --drop-schema`: empties what belongs to the application and leaves what belongs to
-- Supabase. Called by supamigrate.perform alone.

-- Schemas that the platform, its extensions or other tools keep for themselves.
create or replace function supamigrate.is_application_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select schema_name not like 'pg\_%'
     and schema_name not like '\_%'
     and schema_name not in (
       'information_schema', 'public', 'supamigrate',
       'auth', 'storage', 'realtime', 'extensions', 'graphql', 'graphql_public', 'vault',
       'pgbouncer', 'pgsodium', 'pgsodium_masks', 'pgtle', 'pgmq', 'pgmq_public', 'net', 'cron',
       'dbdev', 'repack', 'tiger', 'tiger_data', 'topology',
       'supabase_functions', 'supabase_migrations', 'etl')
     and not exists (
       select
         from pg_namespace n
         join pg_depend d on d.classid = 'pg_namespace'::regclass and d.objid = n.oid
        where n.nspname = schema_name and d.deptype = 'e')
$function$;

-- What stands directly in public, but for the members of extensions and the door.
create or replace function supamigrate.application_objects()
returns table (object_type text, identity text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case o.type when 'statistics object' then 'statistics' else o.type end, o.identity
    from pg_depend d
   cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
   where d.refclassid = 'pg_namespace'::regclass
     and d.refobjid = 'public'::regnamespace
     and d.deptype = 'n'
     and d.classid <> 'pg_extension'::regclass
     and o.type is not null
     and not exists (
       select from pg_depend e
        where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e')
     and not (d.classid = 'pg_proc'::regclass
              and d.objid = to_regprocedure('public.exec_sql(text, jsonb)'))
$function$;

create or replace function supamigrate.drop_application_schemas(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target record;
  dropped text[] := '{}';
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();

  -- Policies on the platform's tables are the application's; they would stand in the way of
  -- the migrations that create them.
  for target in
    select p.polname, n.nspname, c.relname
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('storage', 'realtime')
  loop
    execute format('drop policy %I on %I.%I', target.polname, target.nspname, target.relname);
    dropped := dropped || format('policy %I on %I.%I', target.polname, target.nspname, target.relname);
  end loop;

  for target in
    select nspname from pg_namespace where supamigrate.is_application_schema(nspname)
  loop
    execute format('drop schema %I cascade', target.nspname);
    dropped := dropped || format('schema %I', target.nspname);
  end loop;

  -- One object at a time: CASCADE may take others of the list along.
  loop
    select object_type, identity into target from supamigrate.application_objects() limit 1;
    exit when not found;
    execute format('drop %s %s cascade', target.object_type, target.identity);
    dropped := dropped || (target.object_type || ' ' || target.identity);
  end loop;

  update supamigrate.migration_history
     set status = 'rolled_back', applied_checksum = null, error_message = null, error = null
   where applied_checksum is not null or status = 'failed';
  perform supamigrate.write_log(call, 'drop application schemas', 'ok',
    details => jsonb_build_object('dropped', to_jsonb(dropped)));
  notify pgrst, 'reload schema';
  return jsonb_build_object('dropped', to_jsonb(dropped));
end
$function$;

-- Reading. Everything that a plan is made of, in one call and from one snapshot (STABLE: the
-- snapshot of the calling statement), so that the lock's generation and sequence vouch for the
-- history beside them. Tools of all versions begin with this call: its name and its parameter
-- stay as they are.
--
-- call: files, the checksums of the files that say how they are undone. The stored rollback SQL of
-- all other applied migrations comes along, with a look at the whole log, and none where files is
-- left out. vouched: the log says the same of a migration as the history.
create or replace function supamigrate.state(call jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
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
               'rollback_checksum', known.rollback_checksum,
               'vouched', known.applied_checksum is not distinct from logged.applied_checksum
                 and (known.applied_checksum is null
                      or known.rollback_checksum is not distinct from logged.rollback_checksum),
               'error', known.error)), '[]')
        from (select *, encode(sha256(convert_to(rollback_sql, 'UTF8')), 'hex') as rollback_checksum
                from supamigrate.migration_history) known
        left join supamigrate.logged_state() logged using (migration_name)))
$function$;

-- The audit log, newest first.
create or replace function supamigrate.read_log(most integer) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(jsonb_agg(to_jsonb(entry) order by entry.id desc), '[]')
    from (select * from supamigrate.migration_log order by id desc limit most) entry
$function$;

-- The only function that the REST API shows. Runs SQL as the owner and returns its rows as a
-- JSON array (empty where the statement returns none). Values belong into params, which the
-- SQL reads as $1; nothing is ever put together from a value.
--
-- While the search_path is the statement's, no operator and no unqualified name is used here:
-- public may hold a function that matches better than the built-in one, and whoever made it would
-- have it run as the owner.
--
-- statement_timeout: PostgREST takes a function's own setting for the whole transaction, so
-- that a long migration is not cancelled after authenticator's eight seconds.

create or replace function public.exec_sql(sql_query text, params jsonb default '{}'::jsonb)
returns jsonb
language plpgsql volatile security definer
set search_path = pg_catalog, pg_temp
set statement_timeout = 0
as $function$
declare
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
  -- A temporary table that another request left would be found before the table it is called like.
  discard temp;

  begin
    perform set_config('search_path', '"$user", public, extensions', true);

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
