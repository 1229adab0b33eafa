-- Steps outside a transaction. They cannot commit together with the history, so there are three
-- commits: the intent, which says what is about to be run and what there was before; the effect;
-- and the proof that it is there, read from the catalog. Each run that comes upon an intent finds
-- out what became of it: still running, done, left half done, or nothing.
--
-- A statement runs over a connection that the client opens for it (whose server process the intent
-- names, so that nothing can come late over it once that process is gone), or as a job of pg_cron.
--
-- outside, in progress of the history row:
--
--   digest       of the step
--   attempt      from 1
--   began        when
--   before       what observe() found before
--   pid, backend_start   of the connection; or
--   job          of pg_cron
--   cleanup      what takes away what an attempt has left, while that runs; null otherwise
--   failure      why that attempt ended

-- What is there of what a statement makes or takes away, as far as its kind leaves a trace. Names are
-- looked up as the statement's session will.
create or replace function supamigrate.observe(outside jsonb, settings jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  facts constant jsonb := outside->'facts';
  setting text;
  relation oid;
  part oid;
  found_named boolean;
begin
  begin
    perform set_config('search_path', supamigrate.default_search_path(), true);
    for setting in
      select pg_catalog.jsonb_array_elements_text(settings)
    loop
      execute setting;
    end loop;
    relation := pg_catalog.to_regclass(
      coalesce(facts operator(pg_catalog.->>) 'table', facts operator(pg_catalog.->>) 'name'));
    part := pg_catalog.to_regclass(facts operator(pg_catalog.->>) 'partition');
    raise exception using errcode = 'SM001'; -- the settings go, what was found stays
  exception when sqlstate 'SM001' then
    null;
  end;

  case outside->>'kind'
    when 'create index' then
      return jsonb_build_object('table', relation, 'indexes', (
        select coalesce(jsonb_object_agg(i.indexrelid, i.indisvalid), '{}')
          from pg_index i
          join pg_class c on c.oid = i.indexrelid
          join pg_am m on m.oid = c.relam
         where i.indrelid = relation
           and c.relname = coalesce(facts->>'name', c.relname)
           and m.amname = facts->>'method'
           and i.indisunique = (facts->>'unique')::boolean
           and i.indnkeyatts = (facts->>'keys')::integer
           and i.indnatts = (facts->>'columns')::integer
           and (i.indpred is not null) = (facts->>'partial')::boolean));
    when 'drop index' then
      return jsonb_build_object('index', relation);
    when 'reindex' then
      return jsonb_build_object('indexes', (
        select coalesce(jsonb_object_agg(indexrelid, indisvalid), '{}')
          from pg_index
         where relation in (indrelid, indexrelid)));
    when 'detach partition' then
      return jsonb_build_object('state', (
        select case when inhdetachpending then 'pending' else 'attached' end
          from pg_inherits
         where inhparent = relation and inhrelid = part));
    when 'create named', 'drop named' then
      execute format('select exists (select from pg_catalog.%I where %I = $1)',
        facts->>'catalog', case facts->>'catalog'
          when 'pg_database' then 'datname'
          when 'pg_tablespace' then 'spcname'
          when 'pg_subscription' then 'subname'
          when 'pg_replication_slots' then 'slot_name'
        end)
        into found_named using (facts->>'name')::name;
      return jsonb_build_object('exists', found_named);
    else
      return '{}'::jsonb;
  end case;
end
$function$;

-- What the difference between before and now says: done, nothing, or left with a statement as
-- cleanup. unknown where the kind leaves no trace.
create or replace function supamigrate.judge_outside(
  outside jsonb, before jsonb, present jsonb
) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  relation oid;
begin
  case outside->>'kind'
    when 'create index' then
      -- Of the indexes that are new, the first one: nobody else makes one of this name, if it has one.
      select key::oid into relation
        from jsonb_each_text(present->'indexes')
       where not before->'indexes' ? key
       order by value desc
       limit 1;
      if relation is null then
        return '{"verdict": "nothing"}';
      elsif (present->'indexes'->>relation::text)::boolean then
        return '{"verdict": "done"}';
      end if;
      return jsonb_build_object('verdict', 'left',
        'cleanup', format('drop index concurrently if exists %s', supamigrate.name_of(relation)));
    when 'drop index' then
      return case
        when before->'index' = 'null' then '{"verdict": "nothing"}'
        when not exists (select from pg_class where oid = (before->>'index')::oid) then '{"verdict": "done"}'
        else '{"verdict": "nothing"}' -- an index that is dropped in part is dropped again
      end::jsonb;
    when 'reindex' then
      -- What an attempt has built and not put into place. It is run again as a whole.
      select key::oid into relation
        from jsonb_each_text(present->'indexes')
        join pg_class c on c.oid = key::oid
       where not before->'indexes' ? key
         and not value::boolean
         and c.relname ~ '_cc(new|old)\d*$'
       limit 1;
      if relation is null then
        return '{"verdict": "unknown"}';
      end if;
      return jsonb_build_object('verdict', 'left',
        'cleanup', format('drop index concurrently if exists %s', supamigrate.name_of(relation)));
    when 'detach partition' then
      return case
        when before->>'state' is null then '{"verdict": "nothing"}'
        when present->>'state' is null then '{"verdict": "done"}'
        when present->>'state' = 'pending' and before->>'state' = 'attached' then
          jsonb_build_object('verdict', 'left', 'cleanup', format('alter table %s detach partition %s finalize',
            outside->'facts'->>'table', outside->'facts'->>'partition'))::text
        else '{"verdict": "nothing"}'
      end::jsonb;
    when 'create named', 'drop named' then
      return case
        when before <> present then '{"verdict": "done"}'
        else '{"verdict": "nothing"}'
      end::jsonb;
    else
      return '{"verdict": "unknown"}';
  end case;
end
$function$;

create or replace function supamigrate.name_of(relation oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select format('%I.%I', n.nspname, c.relname)
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
   where c.oid = relation
$function$;

-- What runs at this moment of an attempt: its session, with progress where the server reports some;
-- null where nothing does. A session that waits for its client is not at work: of a client that is
-- gone it is ended here, so that nothing can come over it any more. Of the caller, who still waits for
-- an answer over it, it is idle: the statement is on its way there, or the answer on its way back.
create or replace function supamigrate.find_attempt(intent jsonb, call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  session record;
  progress_now jsonb;
begin
  select pid, state, query_start into session
    from pg_stat_activity
   where pid = (intent->>'pid')::integer
     and extract(epoch from backend_start)::text = intent->>'backend_start';
  -- The embedded database names no process: it has one, which ends with its client.
  if call ? 'waiting' and session.state is distinct from 'active'
     and (session.pid is not null or intent->'pid' is null or intent->'pid' = 'null')
     and intent->>'pid' is not distinct from call->'connection'->>'pid' then
    return '{"idle": true}';
  end if;
  if session.pid is null then
    return null;
  end if;
  if session.state = 'active' then
    select jsonb_build_object('phase', phase, 'done', blocks_done, 'total', nullif(blocks_total, 0))
      into progress_now
      from pg_stat_progress_create_index
     where pid = session.pid;
    return jsonb_build_object('pid', session.pid,
      'running_ms', (extract(epoch from clock_timestamp() - session.query_start) * 1000)::bigint,
      'progress', progress_now);
  end if;
  if intent->>'pid' = call->'connection'->>'pid' then
    return null;
  end if;
  perform pg_terminate_backend(session.pid);
  return jsonb_build_object('pid', session.pid);
end
$function$;

-- Begins an attempt: what it runs is in the reply, for the connection that the call names, or has been
-- given to pg_cron.
create or replace function supamigrate.begin_attempt(
  migration jsonb, intent jsonb, call jsonb, statement text
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  if intent ? 'job' then
    perform supamigrate.remove_job((intent->>'job')::bigint);
  end if;
  intent := intent - array['pid', 'backend_start', 'job'];
  if call->>'way' = 'pg_cron' then
    if migration->'step'->'outside'->>'kind' = 'once' then
      statement := format('do %1$s begin perform supamigrate.claim(%2$L); commit; %3$s; end %1$s',
        '$supamigrate$', gen_random_uuid(), statement);
    end if;
    intent := intent || jsonb_build_object('job', supamigrate.schedule_job(migration->>'name', statement));
  else
    intent := intent || jsonb_build_object(
      'pid', call->'connection'->'pid', 'backend_start', call->'connection'->'backend_start');
  end if;
  update supamigrate.migration_history
     set progress = jsonb_set(progress, '{outside}', intent)
   where migration_name = migration->>'name';
  return case when call->>'way' = 'pg_cron'
    then jsonb_build_object('status', 'running', 'activity', null)
    else jsonb_build_object('status', 'run', 'statement', statement) end;
end
$function$;

-- Takes a step outside a transaction one commit further.
--
-- call: migration with step (as for apply) and, in it, outside, settings, line and statement; purpose;
-- way (connection or pg_cron); connection {pid, backend_start}; and what the client knows of the
-- attempt: waiting (it has no answer yet), ended, or failure.
--
-- Returns status: run (with the statement, over that connection), running, unknown, or done with
-- results as apply has them.
create or replace function supamigrate.advance(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  most_attempts constant integer := 3;
  migration constant jsonb := call->'migration';
  step constant jsonb := migration->'step';
  outside constant jsonb := step->'outside';
  digest constant text := step->'digests'->>-1;
  progress_now jsonb;
  intent jsonb;
  activity jsonb;
  judged jsonb;
  failure jsonb;
  ended boolean;
begin
  perform supamigrate.require_step(migration, call->>'purpose');
  select progress into progress_now
    from supamigrate.migration_history
   where migration_name = migration->>'name'
     and progress->>'purpose' = call->>'purpose';
  intent := progress_now->'outside';

  if intent is null or intent->>'digest' <> digest then
    intent := jsonb_build_object('digest', digest, 'attempt', 1, 'began', clock_timestamp(),
      'before', supamigrate.observe(outside, step->'settings'), 'cleanup', null, 'failure', null);
    progress_now := coalesce(progress_now, jsonb_build_object(
      'purpose', call->'purpose', 'digests', '[]'::jsonb, 'execution_time_ms', 0))
      || jsonb_build_object('steps', step->'total', 'outside', intent);
    if call->>'purpose' = 'apply' then
      perform supamigrate.record_attempt(migration, 0, null, progress_now);
    else
      update supamigrate.migration_history
         set progress = progress_now
       where migration_name = migration->>'name';
    end if;
    return supamigrate.begin_attempt(migration, intent, call, step->>'statement');
  end if;

  failure := call->'failure';
  ended := coalesce((call->>'ended')::boolean, false);
  if intent ? 'job' then
    select job.* into activity, ended, failure
      from supamigrate.watch_job((intent->>'job')::bigint) job;
  else
    activity := supamigrate.find_attempt(intent, call);
  end if;
  if activity is not null and not activity ? 'idle' then
    return jsonb_build_object('status', 'running', 'activity', activity);
  end if;

  judged := supamigrate.judge_outside(
    outside, intent->'before', supamigrate.observe(outside, step->'settings'));
  if judged->>'verdict' = 'done' or
     (ended and failure is null and intent->>'cleanup' is null and judged->>'verdict' <> 'left') then
    return supamigrate.end_outside(call, intent, null);
  end if;
  if activity is not null then
    return jsonb_build_object('status', 'running', 'activity', activity);
  end if;

  -- What an attempt has left is taken away before anything else is done.
  if judged->>'verdict' = 'left' then
    if intent->>'cleanup' is not null and (intent->>'attempt')::integer > 2 * most_attempts then
      return supamigrate.end_outside(call, intent, coalesce(
        nullif(intent->'failure', 'null'), failure, jsonb_build_object('code', '57000', 'message',
          format('What the statement has left cannot be removed: %s', judged->>'cleanup'))));
    end if;
    intent := intent || jsonb_build_object('cleanup', judged->'cleanup',
      'attempt', (intent->>'attempt')::integer + 1,
      'failure', coalesce(nullif(intent->'failure', 'null'), failure));
    return supamigrate.begin_attempt(migration, intent, call, judged->>'cleanup');
  end if;
  if intent->>'cleanup' is not null then
    failure := nullif(intent->'failure', 'null');
    intent := intent || '{"cleanup": null, "failure": null}';
  end if;

  if failure is not null then
    return supamigrate.end_outside(call, intent, failure);
  end if;
  -- Nobody knows whether it has run, and it must not run twice.
  if outside->>'kind' = 'once' then
    return jsonb_build_object('status', 'unknown');
  end if;
  if (intent->>'attempt')::integer >= 2 * most_attempts then
    return supamigrate.end_outside(call, intent, jsonb_build_object('code', '57000', 'message', format(
      'The statement was begun %s times and left nothing behind', intent->>'attempt')));
  end if;
  intent := intent || jsonb_build_object('attempt', (intent->>'attempt')::integer + 1);
  return supamigrate.begin_attempt(migration, intent, call, step->>'statement');
end
$function$;

-- The step is done, or has failed. failure: code, message and the like, or null.
create or replace function supamigrate.end_outside(
  call jsonb, intent jsonb, failure jsonb
) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration constant jsonb := call->'migration';
  step constant jsonb := migration->'step';
  duration constant integer :=
    extract(epoch from clock_timestamp() - (intent->>'began')::timestamp with time zone) * 1000;
  result jsonb;
begin
  if intent ? 'job' then
    perform supamigrate.remove_job((intent->>'job')::bigint);
  end if;
  update supamigrate.migration_history
     set progress = supamigrate.steps_done(migration)
   where migration_name = migration->>'name';
  result := jsonb_build_object('name', migration->>'name', 'success', failure is null,
    'execution_time_ms', duration, 'closed_door', false);
  if failure is not null then
    result := result || jsonb_build_object('error', failure || jsonb_build_object(
      'message', supamigrate.hide_secrets(failure->>'message'),
      'part', 'statements', 'statement', 1, 'line', step->'line'));
    if call->>'purpose' = 'apply' then
      perform supamigrate.record_failed(call, migration, result);
    else
      perform supamigrate.record_failed_rollback(call, migration, result);
    end if;
  elsif (step->>'number')::integer < (step->>'total')::integer then
    perform supamigrate.record_step(call, migration, call->>'purpose', duration);
  elsif call->>'purpose' = 'apply' then
    perform supamigrate.record_applied(call, migration, duration);
  else
    -- Where it is the first step as well, nothing but this says that it has begun.
    result := result || jsonb_build_object('put_back', supamigrate.finish_put_back(
      migration, supamigrate.put_back(migration, '{"results": []}')));
    perform supamigrate.record_reverted(call, migration, duration);
  end if;
  notify pgrst, 'reload schema';
  return jsonb_build_object('status', 'done', 'results', jsonb_build_array(result));
end
$function$;
