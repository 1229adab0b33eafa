-- What `fresh --drop-schema` finds in a database: what belongs to the application, to Supabase and to
-- others.

-- Schemas that the platform, its extensions or other tools keep for themselves.
create or replace function supamigrate.is_platform_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select schema_name like 'pg\_%'
      or schema_name like '\_%'
      or schema_name in (
        'information_schema', 'public', 'supamigrate', 'supamigrate_backup', 'supamigrate_shadow',
        'auth', 'storage', 'realtime', 'extensions', 'graphql', 'graphql_public', 'vault',
        'pgbouncer', 'pgsodium', 'pgsodium_masks', 'pgtle', 'pgmq', 'pgmq_public', 'net', 'cron',
        'dbdev', 'repack', 'tiger', 'tiger_data', 'topology',
        'supabase_functions', 'supabase_migrations', 'etl')
      or exists (
        select
          from pg_namespace n
          join pg_depend d on d.classid = 'pg_namespace'::regclass and d.objid = n.oid
         where n.nspname = schema_name and d.deptype = 'e')
$function$;

-- Whether the application has tables that somebody may be reading.
create or replace function supamigrate.has_tables() returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return exists (
    select from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'm', 'f')
       and (n.nspname = 'public' or not supamigrate.is_platform_schema(n.nspname))
       and not exists (
         select from pg_depend
          where classid = 'pg_class'::regclass and objid = c.oid and deptype = 'e'));
end
$function$;

-- Those that the caller owns, as it does what its migrations make.
create or replace function supamigrate.is_application_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select not supamigrate.is_platform_schema(schema_name)
     and exists (
       select from pg_namespace
        where nspname = schema_name and pg_has_role(nspowner, 'usage'))
$function$;

-- The application's schemas, what stands in them and directly in public, and why what stays does.
-- Left out is what cannot be dropped by itself: members of extensions, sequences of columns,
-- the functions that make ranges; and the door.
create or replace function supamigrate.list_droppable(created jsonb)
returns table (
  schema_name name, class_id oid, object_id oid, object_type text, identity text, reason text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with removed as (
    select kind, name
      from jsonb_to_recordset(created) as item (kind text, name text, made boolean)
     where made
  ), listed as (
    select n.nspname, d.classid, d.objid, coalesce(s.refobjid, 10) as owner -- what the bootstrap superuser owns is not on record
      from pg_namespace n
      join pg_depend d on d.refclassid = 'pg_namespace'::regclass and d.refobjid = n.oid
      left join pg_shdepend s
        on s.dbid = (select oid from pg_database where datname = current_database())
       and s.classid = d.classid and s.objid = d.objid and s.objsubid = 0 and s.deptype = 'o'
     where (n.nspname = 'public' or supamigrate.is_application_schema(n.nspname))
       and d.deptype = 'n'
       and d.objsubid = 0
       and d.classid <> 'pg_extension'::regclass
       and not exists (
         select from pg_depend e
          where e.classid = d.classid
            and e.objid = d.objid
            and e.objsubid = 0
            and (e.deptype in ('e', 'i')
                 or e.deptype = 'a' and e.refobjsubid > 0 and e.refclassid = 'pg_class'::regclass
                    and d.classid = 'pg_class'::regclass))
       and not (d.classid = 'pg_proc'::regclass
                and d.objid in (select oid from supamigrate.doors()))
    union all
    select nspname, 'pg_namespace'::regclass, oid, nspowner
      from pg_namespace
     where not supamigrate.is_platform_schema(nspname)
  )
  select nspname, classid, objid, o.type, o.identity,
         case
           when t.evtname is not null
             then format('the event trigger %I uses it, which no migration made', t.evtname)
           when (nspname = 'public' or classid = 'pg_namespace'::regclass)
                and not pg_has_role(owner, 'usage')
                and not exists (
                  select from removed r
                   where r.kind = 'role' and r.name = pg_get_userbyid(owner))
             then format('it belongs to %I', pg_get_userbyid(owner))
         end
    from listed
   cross join lateral pg_identify_object(classid, objid, 0) o
    left join lateral (
      select min(evtname) as evtname
        from pg_event_trigger
       where classid = 'pg_proc'::regclass
         and evtfoid = objid
         and not exists (
           select from removed r where r.kind = 'event trigger' and r.name = evtname)) t on true
$function$;

-- What stays and is neither the platform's nor this caller's, down to the last column: other roles'
-- schemas, their tables in public, and extensions. CASCADE would take from them what depends on what
-- is dropped, and asks nobody.
create or replace function supamigrate.list_of_others()
returns table (class_id oid, object_id oid, sub_id integer, description text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with space as materialized (
    select oid, nspname
      from pg_namespace
     where not supamigrate.is_platform_schema(nspname)
       and not supamigrate.is_application_schema(nspname)
  ), relation as materialized (
    select c.oid, format('%I.%I', n.nspname, c.relname) as name
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
       and (n.oid in (select oid from space)
            or n.nspname = 'public' and not pg_has_role(c.relowner, 'usage'))
  )
  select 'pg_class'::regclass::oid, oid, 0, name from relation
  union all
  select 'pg_class'::regclass, a.attrelid, a.attnum, format('column %I of %s', a.attname, name)
    from relation r join pg_attribute a on a.attrelid = r.oid
   where a.attnum > 0 and not a.attisdropped
  union all
  select 'pg_attrdef'::regclass, d.oid, 0, format('a default of %s', name)
    from relation r join pg_attrdef d on d.adrelid = r.oid
  union all
  select 'pg_constraint'::regclass, c.oid, 0, format('constraint %I of %s', c.conname, name)
    from relation r join pg_constraint c on c.conrelid = r.oid
  union all
  select 'pg_trigger'::regclass, t.oid, 0, format('trigger %I of %s', t.tgname, name)
    from relation r join pg_trigger t on t.tgrelid = r.oid
   where not t.tgisinternal
  union all
  select 'pg_policy'::regclass, p.oid, 0, format('policy %I of %s', p.polname, name)
    from relation r join pg_policy p on p.polrelid = r.oid
  union all
  select 'pg_proc'::regclass, p.oid, 0, p.oid::regprocedure::text
    from space
    join pg_proc p on p.pronamespace = space.oid
  union all
  select 'pg_extension'::regclass, oid, 0, format('extension %I', extname) from pg_extension
$function$;
