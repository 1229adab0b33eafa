-- Takes supamigrate out of a project: the door, the history, the log. The tables that the
-- migrations made stay as they are.
set local search_path = pg_catalog, pg_temp;
do $block$
begin
  if to_regclass('supamigrate.migration_lock') is not null then
    lock table supamigrate.migration_lock in exclusive mode; -- a migration in flight is waited for
  end if;
end
$block$;
drop schema if exists supamigrate cascade;
drop function if exists public.exec_sql(text, jsonb);
notify pgrst, 'reload schema';
