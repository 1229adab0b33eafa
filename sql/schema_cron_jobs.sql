-- The jobs of pg_cron that have a name, as sql/schema_extras.sql has the rest.
select 'cron job' as kind, null as schema, quote_ident(jobname) as name,
       concat_ws(' ', schedule, command, username, active) as definition,
       format('select cron.schedule(%L, %L, %L);', jobname, schedule, command) as create,
       format('select cron.unschedule(%L);', jobname) as drop
  from cron.job
 where jobname is not null
   and jobname !~ '^supamigrate '
   and database = current_database()
