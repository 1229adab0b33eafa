-- Running the statements of one migration.

-- Constraints that a migration leaves deferred are checked while the migration can still be
-- undone and named. Later migrations in this transaction find them as declared, so they are
-- named one by one: after SET CONSTRAINTS ALL, constraints that are yet to be made would not
-- be deferred either. Those of other sessions' temporary tables are theirs, and what another
-- session drops in between needs no check.
create or replace function supamigrate.check_deferred_constraints() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  deferrable_names text;
  deferred_names text;
begin
  for attempt in 1..5 loop
    -- A name may stand for several constraints of a schema; where one of them cannot be deferred,
    -- PostgreSQL does not defer the others by that name.
    select string_agg(quoted, ', '),
           string_agg(quoted, ', ') filter (where all_deferrable and any_deferred)
      into deferrable_names, deferred_names
      from (select format('%I.%I', n.nspname, c.conname) as quoted,
                   bool_and(c.condeferrable) as all_deferrable,
                   bool_or(c.condeferred) as any_deferred
              from (select distinct connamespace, conname from pg_constraint where condeferrable) one
              join pg_constraint c using (connamespace, conname)
              join pg_namespace n on n.oid = c.connamespace
             where not pg_is_other_temp_schema(n.oid)
             group by n.nspname, c.conname) constraints;
    begin
      if deferrable_names is not null then
        execute 'set constraints ' || deferrable_names || ' immediate';
      end if;
      if deferred_names is not null then
        execute 'set constraints ' || deferred_names || ' deferred';
      end if;
      return;
    exception when undefined_object or undefined_table or invalid_schema_name then
      -- Where it is not another session's doing, it is there the last time as well.
      if attempt = 5 then
        raise;
      end if;
    end;
  end loop;
end
$function$;

-- A migration may hold no statements, but a call that leaves them out is none.
create or replace function supamigrate.require_statements(migration jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  list constant jsonb := migration->'statements';
begin
  if jsonb_typeof(list) is distinct from 'array'
     and jsonb_path_exists(list, '$ ? (@.count > 0 && @.chunks.type() == "array")') is distinct from true then
    raise exception 'The call brings no list of statements for "%"', migration->>'name'
      using errcode = 'invalid_parameter_value';
  end if;
end
$function$;

-- The statements of a list and what has to be seen to beside them, by their place in it.
--
-- list: [[line, sql, what it destroys], …]; or body, and as chunks the first and the last of the parts
-- that each of such lists has come in (parts.sql), of which one is read at a time.
create or replace function supamigrate.read_statements(
  list jsonb, chunk integer, is_api_call boolean,
  out lines integer[], out texts text[], out destroyed jsonb[], out resets boolean[],
  out alters_routine boolean[], out may_make_trigger boolean[], out may_find_events boolean[]
)
language plpgsql
set search_path = pg_catalog, pg_temp
set standard_conforming_strings = on
set plan_cache_mode = force_generic_plan
as $function$
declare
  items constant jsonb := case
    when list ? 'chunks' then supamigrate.read_parts(
      (list->>'body')::uuid, (list->'chunks'->chunk->>0)::integer, (list->'chunks'->chunk->>1)::integer)
    else list
  end;
begin
  select array_agg(statement_line order by position),
         -- EXECUTE has run a SELECT … INTO by the time that it refuses it, and goes by the last
         -- statement of its text.
         coalesce(array_agg(
           case when head ~* '^(select|with|\()' and sql ~* '\minto\M' then sql || E'\n;select'
                else sql
           end order by position), '{}'),
         array_agg(destroys order by position),
         -- These go back to the defaults of the API's session, where a migration means its own.
         array_agg(head ~* '^(reset\s+(all|search_path|statement_timeout)|set\s+((session|local)\s+)?(search_path|statement_timeout)\s*(=|to)\s*default)\M'
                   order by position),
         array_agg(is_api_call and head ~*
                     '^(create(\s+or\s+replace)?|alter|drop)\s+(function|routine|event\s+trigger)\M'
                   order by position),
         array_agg(is_api_call and sql ~* '\mevent(\s+|_)trigger\M|\msecurity\s+definer\M'
                   order by position),
         -- These fail where rows of the table were changed and a deferred constraint is unchecked.
         array_agg(head ~* '^((alter|drop)\s+table|truncate|create\s+(unique\s+)?index|reindex|cluster)\M'
                   order by position)
    into lines, texts, destroyed, resets, alters_routine, may_make_trigger, may_find_events
    -- Into arrays, as a loop over a query keeps a cursor open, which CLOSE ALL would close.
    -- Read once each: a statement may have megabytes. OFFSET keeps it from being read for every use.
    from (select (item->>0)::integer as statement_line, item->>1 as sql, left(item->>1, 1000) as head,
                 item->2 as destroys, position
            from jsonb_array_elements(items) with ordinality as list (item, position)
          offset 0) statements;
end
$function$;

-- Runs the statements of a migration in a subtransaction, together with the history row that
-- says so. Returns {success, execution_time_ms, closed_door} or {success: false, error}; after a
-- failure nothing of the migration is left.
--
-- migration: name, checksum, batch, rollback_sql, statements as read_statements has them, and undo
-- (likewise) where the version before is to be undone first. purpose: apply, revert or seed.
--
-- seen: what look_before() said, where the caller looks after it, too. Else it is looked at here.
--
-- What a migration makes of the search_path and of its role ends with its statements. Between them
-- nothing is looked up that is not qualified, no operator either: public may stand before
-- pg_catalog by then, and hold others.
create or replace function supamigrate.run_migration(
  call jsonb, migration jsonb, purpose text, label text, seen jsonb default null
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  started constant timestamp with time zone := clock_timestamp();
  default_path constant text := supamigrate.default_search_path();
  role_before constant text := current_setting('role');
  is_api_call constant boolean := role_before <> 'none';
  seen_before constant jsonb := coalesce(seen, supamigrate.look_before());
  changes_before jsonb;
  changes_after jsonb;
  functions_touched text;
  exposed jsonb := '{}';
  exposes boolean := false;
  part text;
  begins boolean;
  sent jsonb;
  total integer;
  number integer := 0; -- of the statement
  place integer;       -- of the statement in the chunk that it came in
  lines integer[];
  texts text[];
  line integer;
  statement text;
  step text;
  destroyed jsonb[];
  known jsonb;
  kept jsonb := '[]';
  back jsonb := '{"results": []}';
  back_now jsonb;
  puts_back boolean;
  called text;
  room integer;
  resets boolean[];
  alters_routine boolean[];
  may_make_trigger boolean[];
  may_find_events boolean[];
  began timestamp with time zone;
  time_limit text;
  role_now text;
  held_cursor name;
  closed_door boolean := false;
  duration integer;
  kept_before integer;
  affected bigint;
  ranged jsonb;
  failure jsonb;
  state text; message text; detail text; hint text; context text;
  schema_of text; table_of text; column_of text; constraint_of text;
begin
  perform supamigrate.require_statements(migration);
  perform supamigrate.require_step(migration, purpose);
  -- What the migration makes itself is not kept.
  if jsonb_path_exists(migration, '$.*[*][2]') or jsonb_path_exists(migration, '$.*.destroys ? (@ == true)') then
    select jsonb_object_agg(c.oid, c.relnatts)
           || jsonb_build_object('names', jsonb_object_agg(c.oid, format('%I.%I', n.nspname, c.relname)))
      into known
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p');
    -- It may rename them first; in a large one that is not looked for.
    if jsonb_path_exists(migration, '$.*.chunks') or pg_column_size(migration) > 1000000
       or migration::text ~* 'rename' then
      select known || jsonb_build_object('columns', coalesce(jsonb_object_agg(named.id, named.columns), '{}'))
        into known
        from (select a.attrelid as id, jsonb_object_agg(a.attnum, a.attname) as columns
                from pg_attribute a
               where a.attrelid >= 16384 and a.attnum > 0 and not a.attisdropped
                 and known ? a.attrelid::text
               group by a.attrelid) named;
    end if;
    -- What is put back before counts as there before.
    if purpose = 'apply' and coalesce(migration->'undo', '[]') = '[]' then
      select known || jsonb_build_object(
               'begun', supamigrate.begin_births(),
               'written', coalesce(jsonb_object_agg(c.oid, jsonb_build_array(
                 c.relfilenode, pg_stat_get_xact_tuples_inserted(c.oid), pg_stat_get_xact_tuples_updated(c.oid),
                 pg_stat_get_xact_tuples_deleted(c.oid), c.relispartition)), '{}'))
        into known
        from pg_class c
       where c.relkind = 'r' and c.oid >= 16384;
    end if;
  end if;
  changes_before := supamigrate.count_changes();
  begin
    if is_api_call then
      exposed := supamigrate.expose_event_functions();
      exposes := exposed <> '{}';
    end if;
    functions_touched := supamigrate.count_function_changes();
    foreach part in array array['undo', 'statements'] loop
      perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
      perform pg_catalog.set_config('standard_conforming_strings', 'on', true);
      perform pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true);
      begins := true;
      number := 0;
      sent := migration->part;
      total := coalesce((sent->>'count')::integer, jsonb_array_length(sent), 0);
      -- Not in a later step of what destroys: what its earlier steps have kept is to stay destroyed.
      puts_back := (part = 'undo' and total > 0 or purpose = 'revert')
        and migration->>'keeps_nothing' is null and supamigrate.has_copies(migration->>'name');
      -- Longer names of applications are cut, and others than ASCII written in numbers.
      called := regexp_replace(label, '[^ -~]', '?', 'g');
      room := 63 - length(concat('supamigrate ', ' line ', coalesce(sent->'last_line', sent->-1->0),
        ' (', total, '/', total, ')'));
      if length(called) > room then
        called := left(called, room - 3) || '...';
      end if;
      for chunk in 0 .. coalesce(jsonb_array_length(sent->'chunks'), least(total, 1)) - 1 loop
        role_now := pg_catalog.current_setting('role');
        if role_now operator(pg_catalog.<>) role_before then
          perform pg_catalog.set_config('role', role_before, false);
        end if;
        select * into lines, texts, destroyed, resets, alters_routine, may_make_trigger, may_find_events
          from supamigrate.read_statements(sent, chunk, is_api_call);
        if role_now operator(pg_catalog.<>) role_before then
          perform pg_catalog.set_config('role', role_now, false);
        end if;
        place := 0;
        foreach statement in array texts loop
          number := number operator(pg_catalog.+) 1;
          place := place operator(pg_catalog.+) 1;
          line := lines[place];
          step := pg_catalog.concat('supamigrate ', called, ' line ', line, ' (', number, '/', total, ')');
          if begins then
            perform pg_catalog.set_config('plan_cache_mode', null, true); -- what the session has
            perform pg_catalog.set_config('search_path', default_path, true);
            begins := false;
          end if;
          perform pg_catalog.set_config('application_name', step, true);
          if alters_routine[place] then
            perform supamigrate.restore_event_functions(exposed);
          end if;
          kept_before := pg_catalog.jsonb_array_length(kept);
          if number operator(pg_catalog.=) total
             and (migration operator(pg_catalog.->) 'step') operator(pg_catalog.?) 'batch' then
            role_now := pg_catalog.current_setting('role');
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_before, false);
            end if;
            ranged := supamigrate.next_range(migration, purpose, line, pg_catalog.current_setting('search_path'));
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_now, false);
            end if;
            statement := ranged operator(pg_catalog.->>) 'statement';
            if destroyed[place] is not null then
              destroyed[place] := pg_catalog.jsonb_build_array(
                (destroyed[place] operator(pg_catalog.->) 0) operator(pg_catalog.||) pg_catalog.jsonb_build_object(
                  'from', ranged operator(pg_catalog.->) 'from',
                  'alias', migration operator(pg_catalog.#>) '{step,batch,alias}'));
              known := known operator(pg_catalog.||) pg_catalog.jsonb_build_object(
                'earlier', ranged operator(pg_catalog.->) 'earlier');
            end if;
          end if;
          if destroyed[place] is not null then
            role_now := pg_catalog.current_setting('role');
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_before, false);
            end if;
            kept := supamigrate.keep(
              destroyed[place], line, known, kept, pg_catalog.current_setting('search_path'));
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_now, false);
            end if;
          end if;
          time_limit := pg_catalog.current_setting('statement_timeout');
          began := pg_catalog.clock_timestamp();
          if not (may_find_events[place] or puts_back) then
            execute statement;
            get diagnostics affected = row_count;
          else
            -- Some statements (ALTER DOMAIN … DROP CONSTRAINT) leave news for other caches that wait for
            -- a write, and since PostgreSQL 18 no block with an exception may begin while they wait.
            role_now := pg_catalog.current_setting('role');
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_before, false);
            end if;
            update supamigrate.installation set id = id where false;
            update supamigrate.installation set id = id where false; -- sends what the first has written
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_now, false);
            end if;
            begin
              execute statement;
              get diagnostics affected = row_count;
            exception
              -- In psql each statement is a transaction, at whose end the constraints are checked.
              when object_in_use then
                perform supamigrate.check_deferred_constraints();
                execute statement;
                get diagnostics affected = row_count;
              -- A constraint that is made anew may need the rows that are to be put back.
              when foreign_key_violation or not_null_violation or check_violation
                or unique_violation or exclusion_violation then
                if not puts_back then
                  raise;
                end if;
                back_now := supamigrate.put_back(migration, back);
                if back_now operator(pg_catalog.=) back or back_now operator(pg_catalog.?) 'failure' then
                  raise;
                end if;
                back := back_now;
                execute statement;
                get diagnostics affected = row_count;
            end;
          end if;
          -- Not after DROP, which may have been of this very schema.
          if destroyed[place] operator(pg_catalog.#>>) '{0,do}' operator(pg_catalog.=) any ('{delete,update,merge}') then
            role_now := pg_catalog.current_setting('role');
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_before, false);
            end if;
            kept := supamigrate.settle_kept(destroyed[place], kept, kept_before, affected);
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_now, false);
            end if;
          end if;
          -- The server takes the time of the whole call alone; what a migration asks for is looked at
          -- when the statement has ended.
          if time_limit operator(pg_catalog.<>) '0' and (
               pg_catalog.clock_timestamp() operator(pg_catalog.-) began
               operator(pg_catalog.>) time_limit::pg_catalog.interval) then
            raise exception 'canceling statement due to statement timeout'
              using errcode = 'query_canceled', detail = pg_catalog.format(
                'It took %s, and statement_timeout is %s.',
                pg_catalog.clock_timestamp() operator(pg_catalog.-) began, time_limit);
          end if;
          if alters_routine[place] then
            exposed := supamigrate.expose_event_functions();
            exposes := exposed operator(pg_catalog.<>) '{}';
          elsif exposes or may_make_trigger[place] then
            exposed := supamigrate.follow_statement(exposed, statement);
          end if;
          if resets[place] then
            role_now := pg_catalog.current_setting('role');
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_before, false);
            end if;
            perform pg_catalog.set_config('search_path', default_path, true);
            perform supamigrate.set_limits(migration);
            if role_now operator(pg_catalog.<>) role_before then
              perform pg_catalog.set_config('role', role_now, false);
            end if;
          end if;
        end loop;
      end loop;
      if number operator(pg_catalog.<>) total then
        raise exception 'Parts of the migration were taken away while it ran, of which schema supamigrate has the record'
          using errcode = 'SM002', hint = 'Leave that schema out of what the migration changes.';
      end if;
      if part operator(pg_catalog.=) 'undo' and total operator(pg_catalog.>) 0 then
        role_now := pg_catalog.current_setting('role');
        if role_now operator(pg_catalog.<>) role_before then
          perform pg_catalog.set_config('role', role_before, false);
        end if;
        if puts_back then
          back := supamigrate.put_back(migration, back);
        end if;
        known := known operator(pg_catalog.||) pg_catalog.jsonb_build_object('undone', supamigrate.next_copy(kept));
        if role_now operator(pg_catalog.<>) role_before then
          perform pg_catalog.set_config('role', role_now, false);
        end if;
      end if;
    end loop;

    -- What follows is read anew, under the settings that there are.
    perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    perform pg_catalog.set_config('standard_conforming_strings', 'on', true);
    perform pg_catalog.set_config('quote_all_identifiers', 'off', true);
    perform pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', true);
    part := 'end';
    -- As COMMIT does: a cursor that is to outlive the transaction is read to its end, with the
    -- rights that there are, and all others are closed.
    foreach held_cursor in array array(select name from pg_cursors where is_holdable) loop
      execute format('move forward all in %I', held_cursor);
    end loop;
    execute 'close all';
    if current_setting('role') <> role_before then
      perform set_config('role', role_before, false);
    end if;
    if to_regclass('supamigrate.migration_history') is null then
      raise exception 'The migration drops the schema supamigrate, in which it is recorded'
        using errcode = 'SM002', hint = 'Leave that schema out of what the migration drops.';
    end if;
    if ranged is not null then
      ranged := jsonb_set(ranged, '{batch,affected}',
        to_jsonb((ranged->'batch'->>'affected')::bigint + affected));
      if (ranged->>'last')::boolean then
        migration := jsonb_set(migration, '{step,ranges}', jsonb_build_object(
          'ranges', ranged->'batch'->'ranges', 'rows', ranged->'batch'->'affected'));
      else
        migration := jsonb_set(migration, '{step,range}', ranged->'batch');
      end if;
    end if;
    if purpose = 'revert' and puts_back and supamigrate.is_last_step(migration) then
      back := supamigrate.put_back(migration, back);
    end if;
    perform supamigrate.check_deferred_constraints();
    -- Before the look at the rest can be trusted, and after it, as event triggers may fire in it. Here
    -- and not in a function: the migration may replace whatever is called.
    for looks in 1..2 loop
      if (functions_touched <> concat(
            current_setting('track_counts'), pg_stat_get_xact_tuples_inserted('pg_proc'::regclass), ' ',
            pg_stat_get_xact_tuples_updated('pg_proc'::regclass), ' ',
            pg_stat_get_xact_tuples_deleted('pg_proc'::regclass))
          or functions_touched like 'off%')
         and seen_before->>'functions' is distinct from (
           select string_agg(concat(f.oid, ' ', f.xmin), ',' order by f.oid)
             from pg_depend d
             join pg_proc f on f.oid = d.objid
            where d.refclassid = 'pg_namespace'::regclass and d.refobjid = 'supamigrate'::regnamespace
              and d.classid = 'pg_proc'::regclass) then
        raise exception 'The migration changes what is recorded of migrations, in the schema supamigrate: its functions'
          using errcode = 'SM002',
                hint = 'Leave that schema alone: repair mends the history, and says so in the log.';
      end if;
      exit when looks = 2;
      if seen is null then
        closed_door := supamigrate.look_after(seen_before);
      end if;
      changes_after := supamigrate.count_changes();
      if changes_after <> changes_before then
        perform supamigrate.refuse_forgery((
          select string_agg(key, ', ' order by key)
            from jsonb_each(changes_before) earlier
            full join jsonb_each(changes_after) later using (key)
           where earlier.value is distinct from later.value));
      end if;
    end loop;
    if is_api_call then
      perform supamigrate.refuse_hidden_event_triggers();
      perform supamigrate.restore_event_functions(exposed);
    end if;
    if migration ? 'undo' or purpose = 'revert' and supamigrate.is_last_step(migration) then
      back := supamigrate.finish_put_back(migration, back);
    else
      back := '[]';
    end if;
    if kept <> '[]' then
      perform supamigrate.record_kept(
        migration, case purpose when 'revert' then 'rollback' else purpose end, kept, known);
    end if;
    duration := extract(epoch from clock_timestamp() - started) * 1000;
    if not supamigrate.is_last_step(migration) then
      perform supamigrate.record_step(call, migration, purpose, duration);
    elsif purpose = 'apply' then
      perform supamigrate.record_applied(call, migration, duration);
    elsif purpose = 'seed' then
      perform supamigrate.record_seeded(call, migration, duration);
    else
      perform supamigrate.record_reverted(call, migration, duration);
    end if;
    return jsonb_build_object(
      'name', migration->>'name', 'success', true,
      'execution_time_ms', duration, 'closed_door', closed_door,
      'kept', supamigrate.describe_kept(kept), 'put_back', back)
      || case when ranged is null then '{}' else jsonb_build_object('range', ranged->'batch' || jsonb_build_object(
           'is_last', ranged->'last', 'load', supamigrate.measure_load())) end;
  exception when query_canceled or assert_failure or others then
    get stacked diagnostics
      state = returned_sqlstate, message = message_text, detail = pg_exception_detail,
      hint = pg_exception_hint, context = pg_exception_context,
      schema_of = schema_name, table_of = table_name, column_of = column_name,
      constraint_of = constraint_name;
  end;

  set local search_path = pg_catalog, pg_temp;
  -- Whoever watches the run has it cancelled when its time is over.
  if state = '57014' and part <> 'end' and time_limit <> '0'
     and clock_timestamp() - began > time_limit::interval then
    message := 'canceling statement due to statement timeout';
    detail := coalesce(nullif(detail, ''), format('It took %s, and statement_timeout is %s.',
      clock_timestamp() - began, time_limit));
  end if;
  hint := concat_ws(E'\n', nullif(hint, ''), supamigrate.explain_failure(state, message));
  failure := jsonb_strip_nulls(jsonb_build_object(
    'code', state, 'message', supamigrate.hide_secrets(message),
    'detail', supamigrate.hide_secrets(nullif(detail, '')),
    'hint', supamigrate.hide_secrets(nullif(hint, '')),
    -- Where the error came from inside a function or DO block; the frames from the statement
    -- itself outwards are ours.
    'context', case when part <> 'end' then
      nullif(supamigrate.hide_secrets(supamigrate.shorten_context(rtrim(split_part(
        split_part(context, format('SQL statement "%s"', statement), 1),
        'PL/pgSQL function supamigrate.', 1), E'\n'))), '') end,
    'schema', nullif(schema_of, ''), 'table', nullif(table_of, ''),
    'column_name', nullif(column_of, ''), 'constraint', nullif(constraint_of, ''),
    'blocked_by', case when state = '55P03' and part <> 'end' then
      supamigrate.find_blockers(statement) end,
    'attempts', case when state = '55P03' then call->'attempt' end,
    'part', part,
    'statement', case when part <> 'end' then number end,
    'line', case when part <> 'end' then line end));
  duration := extract(epoch from clock_timestamp() - started) * 1000;
  return jsonb_build_object(
    'name', migration->>'name', 'success', false,
    'execution_time_ms', duration, 'error', failure);
end
$function$;
