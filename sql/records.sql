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
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
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
         error = null;
end
$function$;

-- call: mark (applied, pending or renamed) and migration with name and, for applied, checksum,
-- statements_checksum, batch and rollback_sql; for pending, replaced_by where another one stands for it from
-- now on; for renamed, new_name. The row as it was goes into the log.
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
    -- What takes its place puts back what it has destroyed.
    update supamigrate.safety_copy
       set migration_name = migration->>'replaced_by'
     where migration_name = migration->>'name' and migration ? 'replaced_by';
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
  update supamigrate.safety_copy
     set migration_name = migration->>'new_name'
   where migration_name = migration->>'name';
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
