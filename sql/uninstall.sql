-- Takes supamigrate out of a project: the door, the history, the log. The tables that the
-- migrations made stay as they are.
set local search_path = pg_catalog, pg_temp;
set local quote_all_identifiers = off;
do $block$
begin
  if to_regclass('supamigrate.migration_lock') is not null then
    lock table supamigrate.migration_lock in exclusive mode; -- a migration in flight is waited for
    if to_regprocedure('supamigrate.retract_announcement()') is not null then
      perform supamigrate.retract_announcement();
    end if;
    if to_regprocedure('supamigrate.abandon_job(jsonb)') is not null then
      perform supamigrate.abandon_job(progress) from supamigrate.migration_history;
    end if;
  end if;
end
$block$;
do $block$
declare
  door regprocedure;
begin
  for door in
    select oid
      from pg_proc
     where proname = 'exec_sql'
       and (oid = to_regprocedure('public.exec_sql(text, jsonb)')
            or obj_description(oid, 'pg_proc') like 'supamigrate:%')
  loop
    execute format('drop function %s', door);
  end loop;
end
$block$;
-- Safety copies are rows that somebody may want back: they stay, each with a comment that says what
-- it is. Where there are none, their schema goes.
do $block$
begin
  if not exists (select from pg_class where relnamespace = to_regnamespace('supamigrate_backup')) then
    drop schema if exists supamigrate_backup;
  end if;
end
$block$;
drop schema if exists supamigrate cascade;
notify pgrst, 'reload schema';
