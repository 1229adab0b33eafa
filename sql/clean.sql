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
