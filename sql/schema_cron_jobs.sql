-- The jobs of pg_cron, as sql/schema_extras.sql has the rest. One without a name is known by what it does.
select 'cron job' as kind, null as schema,
       coalesce(quote_ident(jobname), format('%s %s', schedule, command)) as name,
       concat_ws(' ', schedule, command, username, active) as definition,
       concat_ws(E'\n',
                 format('select cron.schedule(%s);',
                        concat_ws(', ', quote_literal(jobname), quote_literal(schedule),
                                  quote_literal(command))),
                 case when not active then
                   format('select cron.alter_job(jobid, active := false) from cron.job where %s;', it) end
                ) as create,
       case when jobname is not null then format('select cron.unschedule(%L);', jobname)
            else format('select cron.unschedule(jobid) from cron.job where %s;', it) end as drop
  from cron.job
 cross join lateral (
   select case when jobname is not null then format('jobname = %L', jobname)
               else format('jobname is null and schedule = %L and command = %L', schedule, command)
          end as it) which
 where coalesce(jobname, '') !~ '^supamigrate '
   and database = current_database()
