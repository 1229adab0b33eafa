-- Applying and reverting. Called by supamigrate.perform alone, which holds the lock row.

-- Whether an attempt that could not get its locks is followed by another one: nothing of it is left,
-- and nothing is recorded of it.
create or replace function supamigrate.is_tried_again(
  call jsonb, migration jsonb, result jsonb
) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce((result->'error'->>'code' = '55P03'
                   -- Long work meets with others' again and again; a range of it is soon done anew.
                   or result->'error'->>'code' in ('40P01', '40001') and migration->'step' ? 'batch')
                  and (call->>'attempt')::integer <= (migration->'limits'->>'lock_retries')::integer, false)
$function$;

-- Runs the migrations of a call in order, and returns their results; the first failure ends the list.
--
-- seen: as run_migration has it.
create or replace function supamigrate.run_in_order(call jsonb, seen jsonb default null) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  started constant timestamp with time zone := clock_timestamp();
  together constant interval := (call->>'together_ms')::integer * interval '1 millisecond';
  migration jsonb;
  result jsonb;
  results jsonb[] := '{}';
begin
  -- One after the other: together they may have megabytes. Not as a query, for the same reason as the
  -- statements in run_migration.
  for number in 0 .. jsonb_array_length(call->'migrations') - 1 loop
    migration := call #> array['migrations', number::text];
    exit when clock_timestamp() - started > together;
    perform supamigrate.leave_clean();
    perform supamigrate.set_limits(migration);
    result := supamigrate.run_migration(call, migration, 'apply', migration->>'name', seen);
    -- What fails behind others in their transaction may not fail in one of its own.
    exit when together is not null and results <> '{}' and not (result->>'success')::boolean;
    results := results || result;
    exit when not (result->>'success')::boolean;
  end loop;
  return to_jsonb(results);
end
$function$;

-- Runs several migrations and examines them together, which is what most of the time of small ones
-- goes into. Null, with nothing left of them, where not all is well: each has to be examined then, to
-- say which one it was.
create or replace function supamigrate.run_together(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  seen_before constant jsonb := supamigrate.look_before();
  results jsonb;
begin
  results := supamigrate.run_in_order(call, seen_before);
  if supamigrate.look_after(seen_before) then
    raise exception 'The door was open' using errcode = 'SM002';
  end if;
  return results;
exception when others then
  return null;
end
$function$;

-- call: migrations, and atomic: whether a failure undoes those before it in this call as well.
-- Rollback SQL to refresh may come along, which saves a call. With together_ms, each migration is on
-- its own: the call ends with the first that this time is over before, or that fails behind others,
-- and the client sends what is not among the results once more.
-- Returns {results: […]}; the first failure ends the list.
create or replace function supamigrate.apply(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  results jsonb;
  last_result jsonb;
  failed_migration jsonb;
begin
  perform supamigrate.refresh_rollback(call);

  begin
    if jsonb_array_length(call->'migrations') > 1 then
      results := supamigrate.run_together(call);
    end if;
    if results is null then
      if jsonb_array_length(call->'migrations') > 1 then
        raise notice 'supamigrate: said again'; -- for the client: what was said so far is
      end if;
      results := supamigrate.run_in_order(call);
    end if;
    last_result := results->-1;
    if not (last_result->>'success')::boolean then
      failed_migration := call->'migrations'->(jsonb_array_length(results) - 1);
      if (call->>'atomic')::boolean then
        raise exception 'undo the run' using errcode = 'SM001';
      end if;
    end if;
  exception when sqlstate 'SM001' then
    null; -- what ran before the failure in this call is undone; variables keep their values
  end;

  if failed_migration is not null then
    if supamigrate.is_tried_again(call, failed_migration, last_result) then
      -- What comes before it in this call may have been done.
      if jsonb_array_length(results) > 1 then
        notify pgrst, 'reload schema';
      end if;
      return jsonb_build_object('results', results);
    end if;
    perform supamigrate.record_failed(call, failed_migration, last_result);
  end if;
  if supamigrate.changes_schema(last_result) then
    notify pgrst, 'reload schema';
  end if;
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
  perform supamigrate.set_limits(migration);
  result := supamigrate.run_migration(call, migration, 'revert', 'rollback ' || (migration->>'name'));
  if supamigrate.is_tried_again(call, migration, result) then
    return jsonb_build_object('results', jsonb_build_array(result));
  end if;
  if not (result->>'success')::boolean then
    perform supamigrate.record_failed_rollback(call, migration, result);
  end if;
  if supamigrate.changes_schema(result) then
    notify pgrst, 'reload schema';
  end if;
  return jsonb_build_object('results', jsonb_build_array(result));
end
$function$;
