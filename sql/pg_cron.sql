-- Statements outside a transaction as jobs of pg_cron, which needs nothing but this database. A job
-- has a session of its own, as its owner, and runs its one statement by itself. What pg_cron knows of
-- it stands in cron.job_run_details.
--
-- Nothing here is looked up before pg_cron is there: these are PL/pgSQL for that reason.

-- Whether jobs can be run, and their ends be seen.
create or replace function supamigrate.has_pg_cron() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select exists (select from pg_extension where extname = 'pg_cron')
     and coalesce(nullif(current_setting('cron.log_run', true), ''), 'on')::boolean
$function$;

-- A date that never comes: a job that has begun goes on, and does not begin again.
create or replace function supamigrate.never() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select '0 0 30 2 *'
$function$;

-- Has a statement run as soon as possible, and once if the job is looked after: pg_cron knows seconds
-- from 1.5 on. Returns the job's number.
create or replace function supamigrate.schedule_job(name text, statement text) returns bigint
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  version constant integer[] := (
    select string_to_array(substring(extversion from '^\d+\.\d+'), '.')::integer[]
      from pg_extension
     where extname = 'pg_cron');
begin
  if version is null then
    raise exception 'pg_cron is not there any more' using errcode = 'SM003';
  end if;
  return cron.schedule(
    left(format('supamigrate %s %s', gen_random_uuid(), name), 200),
    case when version >= array[1, 5] then '5 seconds' else '* * * * *' end,
    statement);
end
$function$;

-- What a call that leaves no trace begins with, so that it never runs twice.
create or replace function supamigrate.claim(claimed uuid) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  insert into supamigrate.operation (id, generation, sequence, action, reply)
  values (claimed, 0, 0, 'claim', '{}')
$function$;

-- activity where the job runs or waits for its turn; else how it ended.
create or replace function supamigrate.watch_job(
  job_number bigint, out activity jsonb, out ended boolean, out failure jsonb
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  run record;
  progress_now jsonb;
begin
  select details.* into run
    from cron.job_run_details details
   where details.jobid = job_number
   order by details.runid
   limit 1;
  ended := false;
  if run.runid is null then
    -- A job that is gone and has not run never will.
    if exists (select from cron.job where jobid = job_number) then
      activity := '{"waiting": true}';
    end if;
    return;
  end if;
  perform cron.alter_job(jobid, schedule := supamigrate.never())
     from cron.job
    where jobid = job_number
      and schedule <> supamigrate.never();

  if run.status = 'succeeded' then
    ended := true;
  elsif run.status = 'failed' then
    failure := jsonb_build_object('code', 'pg_cron',
      'message', rtrim(regexp_replace(run.return_message, '^ERROR:\s+', ''), E'\n'));
  -- A crash of the server leaves its last words unsaid.
  elsif run.job_pid is null or exists (select from pg_stat_activity where pid = run.job_pid) then
    select jsonb_build_object('phase', phase, 'done', blocks_done, 'total', nullif(blocks_total, 0))
      into progress_now
      from pg_stat_progress_create_index
     where pid = run.job_pid;
    activity := jsonb_build_object('pid', run.job_pid,
      'running_ms', (extract(epoch from clock_timestamp() - run.start_time) * 1000)::bigint,
      'progress', progress_now);
  end if;
end
$function$;

create or replace function supamigrate.remove_job(job_number bigint) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  perform cron.unschedule(jobid) from cron.job where jobid = job_number;
end
$function$;

-- Nobody will look after the job of a step that has begun, as its row says something else from now on:
-- it must not begin again. pg_cron would cancel it with its removal, where it runs.
create or replace function supamigrate.abandon_job(progress jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  job_number constant bigint := (progress->'outside'->>'job')::bigint;
  job record;
begin
  if job_number is null or not exists (select from pg_extension where extname = 'pg_cron') then
    return;
  end if;
  select * into job from supamigrate.watch_job(job_number);
  if job.activity is null or job.activity ? 'waiting' then
    perform supamigrate.remove_job(job_number);
  end if;
end
$function$;
