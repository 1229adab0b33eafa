-- Migrations of several steps. What is done of one stands in progress of its history row, until it
-- is done as a whole:
--
--   purpose            apply or revert
--   steps              how many there are
--   digests            SHA-256 of each step that is done, in order
--   execution_time_ms  how long these took together
--   outside            a step outside a transaction that has begun (outside_transaction.sql)
--   batch              a step that is committed in ranges, and not at its end (batches.sql)

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

-- Whether a migration is done as a whole with this step; not with a range that is not its last one.
create or replace function supamigrate.is_last_step(migration jsonb) returns boolean
language plpgsql immutable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return coalesce(not (migration->'step' ? 'range')
    and (migration->'step'->>'number')::integer >= (migration->'step'->>'total')::integer, true);
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
  if step ? 'range' then
    perform supamigrate.record_range(migration, purpose, duration);
    return;
  end if;
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
    jsonb_build_object('step', step->'number', 'steps', step->'total', 'digests', step->'digests')
      || case when step ? 'ranges' then jsonb_build_object('batch', step->'ranges') else '{}' end);
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
-- has not begun any more, and of one that is committed in ranges those that are done stay.
create or replace function supamigrate.steps_done(migration jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case when progress->'digests' <> '[]' or progress ? 'batch' then progress - 'outside' end
    from supamigrate.migration_history
   where migration_name = migration->>'name'
$function$;
