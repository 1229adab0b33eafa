-- The histories of other migration tools, as far as their tables can be told by name. What they are,
-- lib/adoption says. Only what those tools write is read, and only where it is of a built-in type:
-- reading it runs nobody's code.
--
-- Returns an array of {schema, table, columns, neighbours, rows, entries}: how many rows there are,
-- and with with_entries what is in them. rows is null where the table cannot be read.
create or replace function supamigrate.read_histories(with_entries boolean) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  histories jsonb := '[]';
  candidate record;
  row_count bigint;
  entries jsonb;
begin
  for candidate in
    select n.nspname, c.relname,
           has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')
             and not row_security_active(c.oid) as readable, -- a policy is code of the table's owner
           (select coalesce(jsonb_agg(a.attname order by a.attnum), '[]') from pg_attribute a
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
           (select coalesce(jsonb_agg(neighbour.relname), '[]') from pg_class neighbour
             where neighbour.relnamespace = n.oid
               and neighbour.relname in ('ar_internal_metadata')) as neighbours,
           -- Whole numbers as text: the longest versions are no numbers of JavaScript's.
           (select string_agg(
                     format(case when a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype)
                                 then '%1$I::text as %1$I' else '%I' end, a.attname), ', ')
              from pg_attribute a
              join pg_type t on t.oid = a.atttypid
             where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
               and t.typnamespace = 'pg_catalog'::regnamespace
               and a.attname in (
                 'version', 'statements', 'name', 'dirty',                       -- several tools
                 'id', 'version_id', 'is_applied', 'tstamp',                     -- goose
                 'run_on',                                                       -- node-pg-migrate
                 'migration_name', 'checksum', 'started_at', 'finished_at', 'rolled_back_at', -- Prisma
                 'hash', 'created_at', 'applied_at',                             -- Drizzle
                 'installed_rank', 'type', 'script', 'installed_on', 'success',  -- Flyway
                 'change', 'project', 'committed_at',                            -- Sqitch
                 'filename', 'date')) as read_columns                            -- graphile-migrate
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p')
       and c.relname in (
         'schema_migrations', 'goose_db_version', 'pgmigrations', '_prisma_migrations',
         '__drizzle_migrations', 'flyway_schema_history', 'changes', 'migrations')
       and (n.nspname in ('public', 'supabase_migrations')
            or not supamigrate.is_platform_schema(n.nspname))
     order by n.nspname, c.relname
  loop
    row_count := null;
    entries := null;
    if candidate.readable and candidate.read_columns is not null then
      execute format('select count(*) from %I.%I', candidate.nspname, candidate.relname) into row_count;
      if with_entries then
        execute format('select coalesce(jsonb_agg(to_jsonb(entry)), ''[]'') from (select %s from %I.%I) entry',
                       candidate.read_columns, candidate.nspname, candidate.relname) into entries;
      end if;
    end if;
    histories := histories || jsonb_build_object(
      'schema', candidate.nspname, 'table', candidate.relname, 'columns', candidate.columns,
      'neighbours', candidate.neighbours, 'rows', row_count, 'entries', entries);
  end loop;
  return histories;
end
$function$;

-- Those of a database in which nothing is applied that this tool knows of: there they may be the
-- history.
create or replace function supamigrate.find_histories() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  if exists (select from supamigrate.migration_history where applied_checksum is not null) then
    return '[]';
  end if;
  return supamigrate.read_histories(false);
end
$function$;
