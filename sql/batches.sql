-- Steps that are committed in ranges of a table's key. Each range is a call of its own, with all that a
-- call has: the lock, its numbers, the operation, and the history, which says in the same transaction up
-- to which key the step is done. The next range begins behind that key, whoever sends it.
--
-- step.batch, of a call:
--
--   table        the table as the file's mark names it
--   target, only, alias   as the statement names it
--   key          the column that ranges are of
--   rows         how many rows this range has at most
--   parts        the statement's text before and behind the condition of a range
--   from         the same of what chooses the rows that are kept before
--   functions    what the statement calls, of which none may be an aggregate
--
-- batch, in progress of the history row: digest (of the step), table, key, after (up to which it is
-- done), ranges, passed (rows of the table), affected, total (rows, estimated), rows, began, generation (of
-- the lock), and cancelled: the generation of a run that is not to go on with it (cancel() in activity.sql).

-- What a key may be of: its text says all of it, whatever the session's settings are, and comparing it
-- takes no operator of the application's.
create or replace function supamigrate.is_range_type(type oid) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select type = any ('{int2,int4,int8,numeric,text,varchar,bpchar,uuid,date,timestamp,timestamptz}'::regtype[])
$function$;

-- Refuses what cannot be cut into ranges; else the table, the type that keys are compared as, and about
-- how many rows it has.
create or replace function supamigrate.inspect_batch(batch jsonb, path text) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target record;
  key_column record;
  of_type oid;
  because text;
begin
  perform set_config('search_path', path, true);
  select pg_catalog.to_regclass(batch operator(pg_catalog.->>) 'target')::pg_catalog.oid as oid,
         pg_catalog.to_regclass(batch operator(pg_catalog.->>) 'table')::pg_catalog.oid as named
    into target;
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if target.oid is null then
    raise exception 'There is no table %', batch->>'target' using errcode = 'undefined_table';
  end if;
  if target.oid is distinct from target.named then
    raise exception 'The batch is of %, and the statement of %', batch->>'table', target.oid::regclass
      using errcode = 'feature_not_supported', hint = 'Name the same table in both.';
  end if;
  select c.relkind, c.relhassubclass, supamigrate.name_of(c.oid) as name into target
    from pg_class c where c.oid = target.oid;
  select a.attnum, a.atttypid, a.attnotnull, t.typtype, t.typbasetype into key_column
    from pg_attribute a join pg_type t on t.oid = a.atttypid
   where a.attrelid = to_regclass(target.name) and a.attname = batch->>'key'
     and a.attnum > 0 and not a.attisdropped;
  with recursive base (type, beneath) as (
    select key_column.atttypid, case when key_column.typtype = 'd' then key_column.typbasetype end
    union all
    select t.oid, case when t.typtype = 'd' then t.typbasetype end from base join pg_type t on t.oid = base.beneath
  )
  select type into of_type from base where beneath is null;

  because := case
    when target.relkind = 'v' then 'it is a view'
    when target.relkind not in ('r', 'p') then 'it is no ordinary table'
    when target.relkind = 'r' and target.relhassubclass and not coalesce((batch->>'only')::boolean, false)
      and exists (select from pg_inherits where inhparent = to_regclass(target.name))
      then 'other tables inherit from it'
    when target.relkind = 'p' and exists (
      select from pg_partition_tree(to_regclass(target.name)) part join pg_class c on c.oid = part.relid
       where c.relkind = 'f') then 'a partition of it is a foreign table'
    when key_column.attnum is null then format('it has no column "%s"', batch->>'key')
    when not key_column.attnotnull then format('its column "%s" may be null', batch->>'key')
    when not supamigrate.is_range_type(of_type) then
      format('keys of the type %s are not compared', format_type(key_column.atttypid, null))
    when not exists (
      select from pg_index i join pg_class c on c.oid = i.indexrelid join pg_am m on m.oid = c.relam
       where i.indrelid = to_regclass(target.name)
         and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
         and i.indnkeyatts = 1 and i.indkey[0] = key_column.attnum
         and m.amname = 'btree')
      then format('its column "%s" has no unique index of its own', batch->>'key')
    when exists (
      select from pg_proc p
       where p.prokind in ('a', 'w')
         and p.proname in (select jsonb_array_elements_text(batch->'functions')))
      then format('%s() is an aggregate, and looks at all rows at once', (
        select min(p.proname) from pg_proc p
         where p.prokind in ('a', 'w')
           and p.proname in (select jsonb_array_elements_text(batch->'functions'))))
  end;
  if because is not null then
    raise exception 'The statement cannot be committed in ranges of %: %', target.name, because
      using errcode = 'feature_not_supported',
            hint = 'Take another key, or leave the comment out: then it is one transaction.';
  end if;
  return jsonb_build_object(
    'table', target.name, 'type', format_type(of_type, -1),
    'total', (select case when min(c.reltuples) >= 0 then sum(c.reltuples)::bigint end
                from pg_class c
               where c.relkind = 'r'
                 and (c.oid = to_regclass(target.name)
                      or c.oid in (select relid from pg_partition_tree(to_regclass(target.name))))));
end
$function$;

-- What is done of the step: null where it has not begun.
create or replace function supamigrate.find_batch(migration jsonb, purpose text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select progress->'batch'
    from supamigrate.migration_history
   where migration_name = migration->>'name'
     and progress->>'purpose' = purpose
     and progress->'batch'->>'digest' = migration->'step'->'digests'->>-1
$function$;

-- The next range of a step: {statement, from, batch (as progress is to have it, without what is known
-- afterwards), last, earlier}. The last range is open, so that rows that have come in behind the highest
-- key meanwhile are in it.
create or replace function supamigrate.next_range(migration jsonb, purpose text, line integer, path text)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = off
as $function$
declare
  wanted constant jsonb := migration->'step'->'batch';
  done constant jsonb := supamigrate.find_batch(migration, purpose);
  after constant text := done->>'after';
  facts constant jsonb := supamigrate.inspect_batch(wanted, path);
  source constant text := format('%s %s', case when (wanted->>'only')::boolean then 'only' end, facts->>'table');
  behind text;
  condition text;
  upper_key text;
  passed bigint;
begin
  if (done->>'cancelled')::bigint = (select generation from supamigrate.migration_lock where id = 1) then
    raise exception 'It was cancelled between two ranges' using errcode = 'query_canceled';
  end if;
  behind := case when after is null then 'true'
                 else format('%I > %L::%s', wanted->>'key', after, facts->>'type') end;
  execute format('select to_jsonb(%1$I) #>> ''{}'' from %2$s where %3$s order by %1$I offset %4$s limit 1',
                 wanted->>'key', source, behind, (wanted->>'rows')::bigint - 1)
    into upper_key;
  if upper_key is null then
    execute format('select count(*) from %s where %s', source, behind) into passed;
  else
    passed := (wanted->>'rows')::bigint;
  end if;
  condition := coalesce(nullif(concat_ws(' and ',
    case when after is not null then format('%s.%I operator(pg_catalog.>) %L::%s',
      wanted->>'alias', wanted->>'key', after, facts->>'type') end,
    case when upper_key is not null then format('%s.%I operator(pg_catalog.<=) %L::%s',
      wanted->>'alias', wanted->>'key', upper_key, facts->>'type') end), ''), 'true');
  return jsonb_build_object(
    'statement', (wanted->'parts'->>0) || condition || (wanted->'parts'->>1),
    'from', (wanted->'from'->>0) || condition || (wanted->'from'->>1),
    'last', upper_key is null,
    'batch', jsonb_build_object(
      'digest', migration->'step'->'digests'->-1,
      'table', facts->'table',
      'key', wanted->'key',
      'after', upper_key,
      'ranges', coalesce((done->>'ranges')::bigint, 0) + 1,
      'passed', coalesce((done->>'passed')::bigint, 0) + passed,
      'affected', coalesce((done->>'affected')::bigint, 0),
      'total', coalesce(done->'total', facts->'total'),
      'rows', wanted->'rows',
      'began', coalesce(done->'began', to_jsonb(clock_timestamp())),
      'generation', (select generation from supamigrate.migration_lock where id = 1)),
    -- Copies of the ranges before, which this one's rows go into as well.
    'earlier', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'id', copy.id, 'line', copy.line, 'kind', copy.kind, 'relation', copy.relation,
               'copy', copy.copy_name, 'columns', copy.columns, 'key', to_jsonb(copy.key_columns))), '[]')
        from supamigrate.safety_copy copy
       where copy.migration_name = migration->>'name'
         and copy.purpose = case next_range.purpose when 'revert' then 'rollback' else next_range.purpose end
         and (copy.line = next_range.line or copy.line is null)
         and copy.made_at >= (done->>'began')::timestamp with time zone
         and copy.kind <> 'objects'));
end
$function$;

-- A range is done, and not the last one. Called in the place of record_step, with the range in the step.
create or replace function supamigrate.record_range(migration jsonb, purpose text, duration integer)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  step constant jsonb := migration->'step';
  cancelled jsonb;
  progress_now jsonb;
begin
  select progress->'batch'->'cancelled' into cancelled
    from supamigrate.migration_history
   where migration_name = migration->>'name'
     for update;
  progress_now := jsonb_build_object(
    'purpose', purpose, 'steps', step->'total', 'digests', (step->'digests') - (-1),
    'execution_time_ms', duration + supamigrate.time_of_steps(migration, purpose),
    'batch', jsonb_strip_nulls((step->'range') || jsonb_build_object('cancelled', cancelled))
      || jsonb_build_object('total', step->'range'->'total'));
  if purpose = 'apply' then
    perform supamigrate.record_attempt(migration, duration, null, progress_now);
  else
    update supamigrate.migration_history
       set progress = progress_now
     where migration_name = migration->>'name';
  end if;
end
$function$;

-- Has the run that holds the lock stop before the next range, where it is between two: whether it was.
create or replace function supamigrate.cancel_batch() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  batch record;
begin
  select h.id, held.generation into batch
    from supamigrate.migration_history h
    join supamigrate.migration_lock held
      on held.id = 1 and held.is_locked and held.generation::text = h.progress->'batch'->>'generation'
   limit 1
     for update of h skip locked;
  if batch.id is null then
    return false;
  end if;
  update supamigrate.migration_history
     set progress = jsonb_set(progress, '{batch,cancelled}', to_jsonb(batch.generation))
   where id = batch.id;
  return true;
end
$function$;

-- Whether what was run may have changed the schema: a range that is followed by others has not.
create or replace function supamigrate.changes_schema(result jsonb) returns boolean
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce((result->'range'->>'is_last')::boolean, true)
$function$;

-- How much there is to do besides: how far replicas are behind, and how many sessions are at work. Null
-- where that cannot be seen. What reads changes by logical replication decides for itself how fast.
create or replace function supamigrate.measure_load() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'lag_ms', (
      select (extract(epoch from max(r.replay_lag)) * 1000)::bigint
        from pg_stat_replication r
       where not exists (
         select from pg_replication_slots s where s.active_pid = r.pid and s.slot_type = 'logical')),
    'active', (
      select count(*)
        from pg_stat_activity
       where state = 'active' and backend_type = 'client backend' and pid <> pg_backend_pid()),
    'connections', current_setting('max_connections')::integer)
$function$;
