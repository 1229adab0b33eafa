-- What the rig sees for itself, whatever the tool says. It belongs to the superuser and lies in a
-- schema that neither a migration nor `fresh --drop-schema` touches. Made once a database.

create schema _chaos;
grant usage on schema _chaos to postgres;

-- Every migration writes here when it begins and when it ends. Nothing keeps it from doing so
-- twice: the witness of an effect that is there more than once.
create table _chaos.witness (
  id        bigint generated always as identity primary key,
  migration text not null,
  direction text not null check (direction in ('up', 'down')),
  part      text not null check (part in ('first', 'last')),
  seen_at   timestamp with time zone not null default clock_timestamp()
);
grant select, insert on _chaos.witness to postgres;

-- Sequences keep what is rolled back: how often a migration was begun.
create sequence _chaos.attempts;
grant usage on sequence _chaos.attempts to postgres;

-- What migrations delete, and rollbacks bring back: nothing keeps a row from coming twice.
create table _chaos.heirloom (
  migration text not null,
  number    integer not null,
  inscribed text not null -- md5 of both
);
grant select, insert, delete on _chaos.heirloom to postgres;

-- Divisors for migrations that are to fail: 0 while they shall.
create table _chaos.switch (divisor integer not null);
insert into _chaos.switch values (1);
grant select on _chaos.switch to postgres;

-- Every change of the lock row, in the transaction that makes it.
create table _chaos.lock_change (
  id             bigint generated always as identity primary key,
  seen_at        timestamp with time zone not null default clock_timestamp(),
  was_locked     boolean, is_locked      boolean,
  old_token      uuid,    new_token      uuid,
  old_generation bigint,  new_generation bigint,
  old_sequence   bigint,  new_sequence   bigint,
  old_expires_at timestamp with time zone
);

create function _chaos.note_lock_change() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into _chaos.lock_change
    (was_locked, is_locked, old_token, new_token, old_generation, new_generation,
     old_sequence, new_sequence, old_expires_at)
  values
    (old.is_locked, new.is_locked, old.token, new.token, old.generation, new.generation,
     old.sequence, new.sequence, old.expires_at);
  return null;
end
$function$;

-- Which step each transaction's request was sent for, of which the proxy tells in a header.
-- PostgREST calls the function first (db-pre-request): a migration may reset every setting. It
-- stands where `fresh --drop-schema` does not reach.
create unlogged table _chaos.request (
  transaction xid8 primary key,
  sent_for    text not null
);

create function graphql_public.chaos_note_request() returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
declare
  sent_for text := nullif(current_setting('request.headers', true), '')::jsonb->>'x-chaos-step';
begin
  if sent_for is not null then
    insert into _chaos.request values (pg_current_xact_id(), sent_for);
  end if;
end
$function$;
grant execute on function graphql_public.chaos_note_request() to anon, service_role;

-- Every entry of the ledger, with the lock row as others see it at that moment, and with what its
-- request was sent for.
create table _chaos.operation_note (
  operation       uuid not null,
  generation      bigint not null,
  sequence        bigint not null,
  is_locked       boolean,
  lock_generation bigint,
  lock_sequence   bigint,
  sent_for        text
);

create function _chaos.note_operation() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into _chaos.operation_note
  select new.id, new.generation, new.sequence, is_locked, generation, sequence,
         (select sent_for from _chaos.request where transaction = pg_current_xact_id())
    from supamigrate.migration_lock
   where id = 1;
  return null;
end
$function$;

-- Whose copy each number stands for: that of one that was dropped is given to another.
create table _chaos.copy_note (
  number    bigint generated always as identity primary key,
  copy      bigint not null,
  migration text not null,
  made_at   timestamp with time zone not null default clock_timestamp()
);

create function _chaos.note_copy() returns trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $function$
begin
  insert into _chaos.copy_note (copy, migration) values (new.id, new.migration_name);
  return null;
end
$function$;

-- Asked by somebody else, through the same pool: what has another request left behind here?
create function graphql_public.chaos_leftovers() returns text
language sql stable
as $function$
  select string_agg(leftover, ', ') from (
    select 'setting ' || name || ' = ' || setting
      from pg_settings
     where source = 'session'
       and setting is distinct from reset_val -- what was set for a transaction counts, too
       and name not in ('client_encoding', 'client_min_messages', 'application_name', 'role',
                        'search_path', 'transaction_read_only', 'transaction_isolation',
                        'transaction_deferrable', 'statement_timeout')
    union all
    select 'temporary table ' || relname from pg_class
     where relpersistence = 't' and relkind = 'r' and relnamespace = pg_my_temp_schema()
    union all
    select 'prepared statement ' || name from pg_prepared_statements where from_sql
    union all
    select 'cursor ' || name from pg_cursors where is_holdable
    union all
    select 'session advisory lock ' || objid from pg_locks
     where locktype = 'advisory' and pid = pg_backend_pid()
  ) leftovers (leftover)
$function$;
grant execute on function graphql_public.chaos_leftovers() to anon;
