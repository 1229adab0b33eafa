-- What is recorded of a migration that has run.

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
    jsonb_strip_nulls(jsonb_build_object('reason', migration->>'reason', 'note', call->>'note',
      'redo', case when migration ? 'undo' then true end,
      'batch', migration->'step'->'ranges',
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
    (result->>'execution_time_ms')::integer, supamigrate.add_note(call, result->'error'));
end
$function$;

-- What the log's details have beside their own: what the call has to be noted.
create or replace function supamigrate.add_note(call jsonb, details jsonb) returns jsonb
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select details || case when call ? 'note' then jsonb_build_object('note', call->'note') else '{}' end
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
    supamigrate.add_note(call, jsonb_build_object('source', migration->>'source')));
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
    supamigrate.add_note(call, result->'error'));
end
$function$;
