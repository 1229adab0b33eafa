-- `fresh --drop-schema`: empties what belongs to the application and leaves what belongs to
-- Supabase. Called by supamigrate.perform alone.

-- Schemas that the platform, its extensions or other tools keep for themselves.
create or replace function supamigrate.is_application_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select schema_name not like 'pg\_%'
     and schema_name not like '\_%'
     and schema_name not in (
       'information_schema', 'public', 'supamigrate',
       'auth', 'storage', 'realtime', 'extensions', 'graphql', 'graphql_public', 'vault',
       'pgbouncer', 'pgsodium', 'pgsodium_masks', 'pgtle', 'pgmq', 'pgmq_public', 'net', 'cron',
       'dbdev', 'repack', 'tiger', 'tiger_data', 'topology',
       'supabase_functions', 'supabase_migrations', 'etl')
     and not exists (
       select
         from pg_namespace n
         join pg_depend d on d.classid = 'pg_namespace'::regclass and d.objid = n.oid
        where n.nspname = schema_name and d.deptype = 'e')
$function$;

-- What stands directly in public, but for the members of extensions and the door.
create or replace function supamigrate.application_objects()
returns table (object_type text, identity text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case o.type when 'statistics object' then 'statistics' else o.type end, o.identity
    from pg_depend d
   cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
   where d.refclassid = 'pg_namespace'::regclass
     and d.refobjid = 'public'::regnamespace
     and d.deptype = 'n'
     and d.classid <> 'pg_extension'::regclass
     and o.type is not null
     and not exists (
       select from pg_depend e
        where e.classid = d.classid and e.objid = d.objid and e.deptype = 'e')
     and not (d.classid = 'pg_proc'::regclass
              and d.objid = to_regprocedure('public.exec_sql(text, jsonb)'))
$function$;

create or replace function supamigrate.drop_application_schemas(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target record;
  dropped text[] := '{}';
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();

  -- Policies on the platform's tables are the application's; they would stand in the way of
  -- the migrations that create them.
  for target in
    select p.polname, n.nspname, c.relname
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('storage', 'realtime')
  loop
    execute format('drop policy %I on %I.%I', target.polname, target.nspname, target.relname);
    dropped := dropped || format('policy %I on %I.%I', target.polname, target.nspname, target.relname);
  end loop;

  for target in
    select nspname from pg_namespace where supamigrate.is_application_schema(nspname)
  loop
    execute format('drop schema %I cascade', target.nspname);
    dropped := dropped || format('schema %I', target.nspname);
  end loop;

  -- One object at a time: CASCADE may take others of the list along.
  loop
    select object_type, identity into target from supamigrate.application_objects() limit 1;
    exit when not found;
    execute format('drop %s %s cascade', target.object_type, target.identity);
    dropped := dropped || (target.object_type || ' ' || target.identity);
  end loop;

  update supamigrate.migration_history
     set status = 'rolled_back', applied_checksum = null, error_message = null, error = null
   where applied_checksum is not null or status = 'failed';
  perform supamigrate.write_log(call, 'drop application schemas', 'ok',
    details => jsonb_build_object('dropped', to_jsonb(dropped)));
  notify pgrst, 'reload schema';
  return jsonb_build_object('dropped', to_jsonb(dropped));
end
$function$;
