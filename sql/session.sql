-- What a migration finds in its session, and how the connection is left after it.

-- The search_path that the owner has in a session of its own in this database: ALTER ROLE … SET and
-- ALTER DATABASE … SET, the more special one first, else what Supabase gives the role postgres.
create or replace function supamigrate.default_search_path() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return coalesce((
    select substr(item, length('search_path=') + 1)
      from pg_db_role_setting s
     cross join unnest(s.setconfig) item
     where item like 'search\_path=%'
       and s.setrole in (0, to_regrole(quote_ident(current_user)))
       and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
     order by s.setrole <> 0 desc, s.setdatabase <> 0 desc
     limit 1), '"$user", public, extensions');
end
$function$;

-- What a migration may expect of its session, beyond PostgreSQL's defaults. Whoever waits for a lock
-- has the whole application queue behind it, so lock_timeout is short, and the client tries again; a
-- migration can set its own.
create or replace function supamigrate.set_defaults() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  set local lock_timeout = '2s';
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

-- The same for one migration, whose run or file may set limits of its own, in milliseconds.
create or replace function supamigrate.set_limits(migration jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  lock_limit constant integer := migration->'limits'->>'lock_timeout';
  statement_limit constant integer := migration->'limits'->>'statement_timeout';
begin
  perform supamigrate.set_defaults();
  if lock_limit is not null then
    perform set_config('lock_timeout', lock_limit::text, true);
  end if;
  if statement_limit is not null then
    perform set_config('statement_timeout', statement_limit::text, true);
  end if;
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
