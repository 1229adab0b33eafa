-- Jobs are kept as pg_cron keeps them. Nothing runs them here.

do $$
begin
  -- Somebody may have made it before.
  if to_regnamespace('cron') is null then
    create schema cron;
  end if;
end
$$;
grant usage on schema cron to postgres with grant option;

create sequence cron.jobid_seq;
create sequence cron.runid_seq;

create table cron.job (
  jobid bigint primary key default nextval('cron.jobid_seq'),
  schedule text not null,
  command text not null,
  nodename text not null default 'localhost',
  nodeport integer not null default 5432,
  database text not null default current_database(),
  username text not null default current_user,
  active boolean not null default true,
  jobname text,
  constraint jobname_username_uniq unique (jobname, username)
);
alter table cron.job enable row level security;
create policy cron_job_policy on cron.job using (username = current_user);

create table cron.job_run_details (
  jobid bigint,
  runid bigint primary key default nextval('cron.runid_seq'),
  job_pid integer,
  database text,
  username text,
  command text,
  status text,
  return_message text,
  start_time timestamptz,
  end_time timestamptz
);
alter table cron.job_run_details enable row level security;
create policy cron_job_run_details_policy on cron.job_run_details
  using (username = current_user);

-- The table is written by its owner alone. Who calls is known to the functions below.
create function cron.keep_job(
  job_name text,
  schedule text,
  command text,
  database text,
  username text,
  active boolean
) returns bigint
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  field constant text := '(\*|\d+(-\d+)?|[a-z]{3}(-[a-z]{3})?)(/\d+)?';
  id bigint;
begin
  if schedule is null
    or schedule !~* (
      '^\s*(@(yearly|annually|monthly|weekly|daily|midnight|hourly|reboot)'
      || '|[1-5]?\d\s+seconds?'
      || '|' || field || '(,' || field || ')*(\s+(\$|' || field || ')(,' || field || ')*){4})\s*$'
    )
  then
    raise exception 'invalid schedule: %', schedule using
      errcode = 'invalid_parameter_value',
      hint = 'Use cron format (e.g. 5 4 * * *), or interval format ''[1-59] seconds''';
  end if;
  insert into cron.job as j (jobname, schedule, command, database, username, active)
  values (job_name, schedule, command, database, username, active)
  on conflict on constraint jobname_username_uniq do update
    set schedule = excluded.schedule,
        command = excluded.command,
        database = excluded.database,
        active = excluded.active
  returning j.jobid into id;
  return id;
end
$$;

create function cron.schedule(schedule text, command text) returns bigint
language sql
as $$
  select cron.keep_job(null, schedule, command, current_database(), current_user, true)
$$;

create function cron.schedule(job_name text, schedule text, command text) returns bigint
language sql
as $$
  select cron.keep_job(job_name, schedule, command, current_database(), current_user, true)
$$;

create function cron.schedule_in_database(
  job_name text,
  schedule text,
  command text,
  database text,
  username text default null,
  active boolean default true
) returns bigint
language sql
as $$
  select cron.keep_job(
    job_name, schedule, command, database, coalesce(username, current_user), active
  )
$$;

create function cron.forget_job(job_id bigint, job_name text, owner text) returns boolean
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  delete from cron.job j
   where case when job_name is null then j.jobid = job_id
              else j.jobname = job_name and j.username = owner end;
  if not found then
    raise exception 'could not find valid entry for job ''%''', coalesce(job_name, job_id::text);
  end if;
  return true;
end
$$;

create function cron.unschedule(job_id bigint) returns boolean
language sql
as $$
  select cron.forget_job(job_id, null, current_user)
$$;

create function cron.unschedule(job_name text) returns boolean
language sql
as $$
  select cron.forget_job(null, job_name, current_user)
$$;

create function cron.alter_job(
  job_id bigint,
  schedule text default null,
  command text default null,
  database text default null,
  username text default null,
  active boolean default null
) returns void
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
begin
  update cron.job j
     set schedule = coalesce(alter_job.schedule, j.schedule),
         command = coalesce(alter_job.command, j.command),
         database = coalesce(alter_job.database, j.database),
         username = coalesce(alter_job.username, j.username),
         active = coalesce(alter_job.active, j.active)
   where j.jobid = job_id;
  if not found then
    raise exception 'Job % does not exist or you don''t own it', job_id;
  end if;
end
$$;

grant all on all tables in schema cron to postgres with grant option;
grant all on all functions in schema cron to postgres with grant option;
revoke all on cron.job from postgres;
grant select on cron.job to postgres with grant option;
