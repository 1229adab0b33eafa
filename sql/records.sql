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
    (id, migration_name, batch_number, execution_time_ms, checksum, applied_checksum, rollback_sql,
     status, executed_at)
  values
    ((select coalesce(max(id), 0) + 1 from supamigrate.migration_history),
     migration->>'name', (migration->>'batch')::integer, duration,
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
         progress = null,
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
