-- What a run is doing at this moment, seen from another session, and how to end it. Nothing here waits
-- for the lock row or takes it.

-- Sessions as people know them. What others run may hold a password.
create or replace function supamigrate.describe_sessions(pids integer[]) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select jsonb_agg(jsonb_build_object(
             'pid', pid,
             'user', usename,
             'application', nullif(application_name, ''),
             'state', state,
             'age_ms', (extract(epoch from clock_timestamp() - coalesce(xact_start, query_start)) * 1000)::bigint,
             'query', left(supamigrate.hide_secrets(left(query, 1000)), 200)) order by xact_start, pid)
      from pg_stat_activity
     where pid = any (pids));
end
$function$;

-- Whoever holds a lock on what a statement names that is in its way: when a lock time-out has struck,
-- the server no longer says for whom the statement has waited. Reading is in the way of what locks a
-- table against everything, not of changes to its rows. Requests that had queued behind the statement have
-- their turn while this looks: one that is idle by now was not in its way.
create or replace function supamigrate.find_blockers(statement text) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select supamigrate.describe_sessions(array_agg(distinct l.pid))
    from pg_locks l
    join pg_class c on c.oid = l.relation
   where l.locktype = 'relation'
     and l.granted
     and l.pid <> pg_backend_pid()
     and l.database = (select oid from pg_database where datname = current_database())
     and l.relation >= 16384
     and statement ~* ('\m' || regexp_replace(c.relname, '(\W)', '\\\1', 'g') || '\M')
     and (l.mode not in ('AccessShareLock', 'RowShareLock')
          or statement !~* '^(insert|update|delete|merge|select|with|create\s+(unique\s+)?index)\M')
     and not exists (select from pg_stat_activity a where a.pid = l.pid and a.state = 'idle')
$function$;

-- The session of the job of pg_cron that does a step, and the migration's name; null where none runs.
create or replace function supamigrate.find_job_session(out pid integer, out migration_name text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  step record;
begin
  select h.migration_name as name, (h.progress->'outside'->>'job')::bigint as job into step
    from supamigrate.migration_history h
   where h.progress->'outside' ? 'job'
   limit 1;
  -- Where no job is under way, nobody needs the right to read what pg_cron knows.
  if step.job is null or not exists (select from pg_extension where extname = 'pg_cron') then
    return;
  end if;
  select a.pid, step.name
    into find_job_session.pid, find_job_session.migration_name
    from cron.job_run_details d
    join pg_stat_activity a on a.pid = d.job_pid
   where d.jobid = step.job
     and d.status not in ('succeeded', 'failed')
     and a.datname = current_database()
     and a.state = 'active'
     and starts_with(d.command, a.query) -- the number may be another session's by now
   limit 1;
end
$function$;

-- The session that runs a step: it has taken the lock row, and says in its application_name what it is
-- at; or it is the one, or the job of pg_cron, that the intent of a step outside a transaction names.
create or replace function supamigrate.find_runner() returns integer
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select coalesce(
    (select a.pid
       from pg_stat_activity a
      where a.application_name like 'supamigrate %'
        and a.datname = current_database()
        and a.pid <> pg_backend_pid()
        and coalesce(a.state, 'active') = 'active'
        and (exists (
               select from pg_locks l
                where l.pid = a.pid
                  and l.locktype = 'relation'
                  and l.relation = 'supamigrate.migration_lock'::regclass
                  and l.mode = 'RowShareLock'
                  and l.granted)
          or exists (
               select from supamigrate.migration_history h
                where h.progress->'outside'->>'pid' = a.pid::text
                  and h.progress->'outside'->>'backend_start' = extract(epoch from a.backend_start)::text))
      limit 1),
    (select pid from supamigrate.find_job_session()))
$function$;

-- How far the server says that a session's command has come; null where it does not say.
create or replace function supamigrate.describe_progress(runner integer) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select jsonb_build_object('phase', phase, 'done', done, 'total', nullif(total, 0), 'unit', unit,
                              'relation', supamigrate.name_of(relid))
      from (
        select relid, phase,
               case when phase ~ 'tuples' then tuples_done else blocks_done end,
               case when phase ~ 'tuples' then tuples_total else blocks_total end,
               case when phase ~ 'tuples' then 'rows' else 'blocks' end
          from pg_stat_progress_create_index
         where pid = runner
        union all
        select relid, lower(command), bytes_processed, bytes_total, 'bytes'
          from pg_stat_progress_copy
         where pid = runner
        union all
        select relid, phase,
               case when phase = 'vacuuming heap' then heap_blks_vacuumed else heap_blks_scanned end,
               heap_blks_total, 'blocks'
          from pg_stat_progress_vacuum
         where pid = runner
        union all
        select relid, phase, heap_blks_scanned, heap_blks_total, 'blocks'
          from pg_stat_progress_cluster
         where pid = runner
        union all
        select relid, phase, sample_blks_scanned, sample_blks_total, 'blocks'
          from pg_stat_progress_analyze
         where pid = runner
      ) reported (relid, phase, done, total, unit)
     limit 1);
end
$function$;

-- The tables that a session changes rows of, with their sizes: of those it writes, others see that they
-- grow, and nothing more before it commits. Whoever asks for a size takes a lock, which must not wait for
-- a table that the session keeps to itself.
create or replace function supamigrate.describe_writes(runner integer) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
set lock_timeout = 50
as $function$
begin
  return (
    select jsonb_agg(jsonb_build_object('relation', relation, 'bytes', bytes, 'rows', rows, 'pages', pages))
      from (select format('%I.%I', n.nspname, c.relname), pg_relation_size(c.oid),
                   c.reltuples::bigint, c.relpages
              from pg_locks l
              join pg_class c on c.oid = l.relation
              join pg_namespace n on n.oid = c.relnamespace
             where l.pid = runner
               and l.locktype = 'relation'
               and l.mode = 'RowExclusiveLock'
               and l.granted
               and l.database = (select oid from pg_database where datname = current_database())
               and c.relkind in ('r', 'm')
               and c.reltuples > 0
               and n.nspname not in ('supamigrate', 'pg_catalog')
               and not exists (
                 select from pg_locks own
                  where own.pid = runner
                    and own.relation = l.relation
                    and own.mode = 'AccessExclusiveLock')
             order by 2 desc
             limit 5) writes (relation, bytes, rows, pages));
exception when lock_not_available then
  return null;
end
$function$;

-- What the runner is doing, who keeps it waiting, and who waits for it; null where nothing runs.
create or replace function supamigrate.describe_activity() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  runner constant integer := supamigrate.find_runner();
  session record;
  said text[];
begin
  if runner is null then
    return null;
  end if;
  select application_name, xact_start, query_start, wait_event_type into session
    from pg_stat_activity
   where pid = runner;
  said := regexp_match(session.application_name, '^supamigrate (.*?) line (\d+)(?: \((\d+)/(\d+)\))?$');
  return jsonb_build_object(
    'pid', runner,
    'running', case
      when said is not null then concat(said[1], ' line ', said[2])
      when session.application_name like 'supamigrate %' then substr(session.application_name, length('supamigrate ') + 1)
      else (select migration_name from supamigrate.find_job_session())
    end,
    'line', said[2]::integer,
    'statement', said[3]::integer,
    'statements', said[4]::integer,
    'running_ms', (extract(epoch from clock_timestamp() - coalesce(session.xact_start, session.query_start)) * 1000)::bigint,
    'blocked_by', case when session.wait_event_type = 'Lock' then
      supamigrate.describe_sessions(pg_blocking_pids(runner)) end,
    'blocking', (
      select jsonb_build_object('sessions', count(*),
               'longest_ms', (extract(epoch from clock_timestamp() - min(waiting_since)) * 1000)::bigint)
        from (select a.pid, (select min(waitstart) from pg_locks l where l.pid = a.pid and not l.granted)
                from pg_stat_activity a
               where a.wait_event_type = 'Lock'
                 and a.datname = current_database()
                 and a.pid <> runner
                 and runner = any (pg_blocking_pids(a.pid))) waiting (pid, waiting_since)
      having count(*) > 0),
    'progress', supamigrate.describe_progress(runner),
    'writes', supamigrate.describe_writes(runner));
end
$function$;

-- Ends the statement that the runner is at, and nothing else. The step is undone and fails, as with any
-- error, and its run ends. Of a step that is committed in ranges the next one fails, where none runs.
create or replace function supamigrate.cancel() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  activity constant jsonb := supamigrate.describe_activity();
  cancelled boolean;
begin
  -- Looked up again by the statement that sends the signal.
  select pg_cancel_backend(pid) into cancelled
    from pg_stat_activity
   where pid = (activity->>'pid')::integer
     and pid = supamigrate.find_runner();
  if activity is null then
    cancelled := supamigrate.cancel_batch();
  end if;
  return jsonb_build_object(
    'cancelled', coalesce(cancelled, false),
    'activity', activity,
    'lock', (select supamigrate.describe_lock(held) from supamigrate.migration_lock held where id = 1));
end
$function$;

-- What runs, for whoever asks every second: {activity}.
create or replace function supamigrate.watch() returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object('activity', supamigrate.describe_activity())
$function$;

-- Ends what keeps the runner waiting, of the roles that the call names: a statement is cancelled, and a
-- transaction that idles loses its connection. Of superusers and of the platform nothing is ended.
--
-- call: pids, and roles. Returns {ended: the sessions, as they were}.
create or replace function supamigrate.cancel_blockers(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  blockers constant integer[] := pg_blocking_pids(supamigrate.find_runner());
  signalled integer[];
  sessions jsonb;
begin
  select array_agg(a.pid) into signalled
    from pg_stat_activity a
    join pg_roles r on r.rolname = a.usename
   where a.pid = any (blockers)
     and a.backend_type = 'client backend'
     and call->'pids' @> to_jsonb(a.pid)
     and call->'roles' @> to_jsonb(a.usename::text)
     and not r.rolsuper
     and a.usename !~ '^(supabase_|pg_|(authenticator|pgbouncer|dashboard_user)$)';
  sessions := supamigrate.describe_sessions(signalled);
  perform case when state = 'active' then pg_cancel_backend(pid) else pg_terminate_backend(pid) end
     from pg_stat_activity
    where pid = any (signalled)
      and pid = any (pg_blocking_pids(supamigrate.find_runner()));
  return jsonb_build_object('ended', coalesce(sessions, '[]'));
end
$function$;
