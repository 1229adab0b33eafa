-- `fresh --drop-schema`: empties what belongs to the application and leaves what belongs to
-- Supabase. supamigrate.survey_drop says what it would come to, and is called before anything is
-- asked; drop_application_schemas is called by supamigrate.perform alone.
--
-- Migrations also leave things outside of those schemas: roles, publications, buckets and so on.
-- Those that would keep the migrations from being applied again are named by the caller, who reads
-- them from the migrations' text:
--
--   created: [{kind, name, schema, relation, made}, …], where made says that a migration that is
--   applied created it. Those go with the application's schemas; whatever else is in the way
--   keeps the drop from being done.

-- Schemas that the platform, its extensions or other tools keep for themselves.
create or replace function supamigrate.is_platform_schema(schema_name name) returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select schema_name like 'pg\_%'
      or schema_name like '\_%'
      or schema_name in (
        'information_schema', 'public', 'supamigrate',
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

-- What the names in created stand for, where that is an object of the catalog: with its schema, its
-- table where it goes with one, and who owns it, or that table. number: its place in created.
create or replace function supamigrate.find_objects(created jsonb)
returns table (
  number bigint, class_id oid, object_id oid, schema_id oid, table_id oid, owner oid)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with wanted as materialized (
    select item->>'kind' as kind, item->>'name' as name, item->>'relation' as relation, n.oid as space, place
      from jsonb_array_elements(created) with ordinality as list (item, place)
      left join pg_namespace n on n.nspname = item->>'schema'
  ), found (place, class_id, object_id, schema_id, table_id) as (
    select place, 'pg_authid'::regclass::oid, r.oid, null::oid, null::oid
      from wanted w join pg_roles r on w.kind = 'role' and r.rolname = w.name
    union all
    select place, 'pg_namespace'::regclass, n.oid, n.oid, null
      from wanted w join pg_namespace n on w.kind = 'schema' and n.nspname = w.name
    union all
    select place, 'pg_extension'::regclass, e.oid, null, null
      from wanted w join pg_extension e on w.kind = 'extension' and e.extname = w.name
    union all
    select place, 'pg_publication'::regclass, p.oid, null, null
      from wanted w join pg_publication p on w.kind = 'publication' and p.pubname = w.name
    union all
    select place, 'pg_event_trigger'::regclass, e.oid, null, null
      from wanted w join pg_event_trigger e on w.kind = 'event trigger' and e.evtname = w.name
    union all
    select place, 'pg_foreign_data_wrapper'::regclass, f.oid, null, null
      from wanted w
      join pg_foreign_data_wrapper f on w.kind = 'foreign data wrapper' and f.fdwname = w.name
    union all
    select place, 'pg_foreign_server'::regclass, s.oid, null, null
      from wanted w join pg_foreign_server s on w.kind = 'server' and s.srvname = w.name
    union all
    select place, 'pg_user_mapping'::regclass, m.umid, null, null
      from wanted w
      join pg_user_mappings m
        on w.kind = 'user mapping' and m.usename = w.name and m.srvname = w.relation
    union all
    select place, 'pg_policy'::regclass, p.oid, space, c.oid
      from wanted w
      join pg_class c on w.kind = 'policy' and c.relnamespace = space and c.relname = w.relation
      join pg_policy p on p.polrelid = c.oid and p.polname = w.name
    union all
    select place, 'pg_trigger'::regclass, t.oid, space, c.oid
      from wanted w
      join pg_class c on w.kind = 'trigger' and c.relnamespace = space and c.relname = w.relation
      join pg_trigger t on t.tgrelid = c.oid and t.tgname = w.name
    union all
    select place, 'pg_class'::regclass, c.oid, space, i.indrelid
      from wanted w
      join pg_class c on w.kind = 'relation' and c.relnamespace = space and c.relname = w.name
      left join pg_index i on i.indexrelid = c.oid
     where c.relkind <> 'c'
    union all
    select place, 'pg_type'::regclass, t.oid, space, null
      from wanted w
      join pg_type t on w.kind = 'type' and t.typnamespace = space and t.typname = w.name
      left join pg_class c on c.oid = t.typrelid
     where coalesce(c.relkind, 'c') = 'c'
    union all
    select place, 'pg_proc'::regclass, p.oid, space, null
      from wanted w
      join pg_proc p on w.kind = 'function' and p.pronamespace = space and p.proname = w.name
     -- An extension may have one of that name for other arguments.
     where not exists (
       select from pg_depend e
        where e.classid = 'pg_proc'::regclass and e.objid = p.oid and e.deptype = 'e')
  )
  select place, f.class_id, f.object_id, f.schema_id, f.table_id, coalesce(s.refobjid, 10)
    from found f
    left join pg_shdepend s
      on s.dbid = (select oid from pg_database where datname = current_database())
     and s.classid = case when f.table_id is null then f.class_id else 'pg_class'::regclass end
     and s.objid = coalesce(f.table_id, f.object_id)
     and s.objsubid = 0
     and s.deptype = 'o'
$function$;

-- Rows of the platform's own tables that migrations insert, and what keeps them from being deleted.
create or replace function supamigrate.find_rows(kind text, name text, relation text)
returns table (description text, obstacle text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
  place name[] := case kind
    when 'bucket' then '{storage,buckets}'
    when 'cron job' then '{cron,job}'
    when 'vault secret' then '{vault,secrets}'
    when 'user' then '{auth,users}'
  end;
  files bigint;
begin
  if not exists (
    select from pg_namespace n
      join pg_class c on c.relnamespace = n.oid
     where n.nspname = place[1] and c.relname = place[2]
       and has_schema_privilege(n.oid, 'usage') and has_table_privilege(c.oid, 'select')) then
    return;
  end if;
  case kind
    when 'bucket' then
      if exists (select from storage.buckets b where b.id = name) then
        select count(*) into files from storage.objects o where o.bucket_id = name;
        return query select format('bucket %I', name),
          case when files > 0 then concat('it holds ', files, ' file', case when files > 1 then 's' end) end;
      end if;
    when 'cron job' then
      return query
        select format('cron job %s (%s: %s)', j.jobid, j.schedule, left(j.command, 60)), null::text
          from cron.job j
         where j.jobname is null and j.schedule = name and j.command = relation
           and j.username = current_user and j.database = current_database();
    when 'vault secret' then
      return query
        select format('vault secret %I', name), null::text
          from vault.secrets s
         where s.name = name;
    when 'user' then
      return query
        select format('user %s', name), 'it is an account of the project'::text
          from auth.users u
         where u.id::text = name;
  end case;
end
$function$;

-- What keeps a role from being dropped with its rights: whatever of its own stays.
create or replace function supamigrate.find_ties(role_id oid, created jsonb) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select case
      when count(*) > 1 then format('it owns %s and %s more', min(tie), count(*) - 1)
      else min('it owns ' || tie)
    end
    from (
      select case
          when dbid not in (0, here.oid) then 'something in another database'
          else concat(o.type, ' ', o.identity)
        end as tie
        from pg_shdepend s
        join pg_database here on here.datname = current_database()
        left join lateral pg_identify_object(s.classid, s.objid, s.objsubid) o
          on dbid in (0, here.oid)
        left join pg_namespace n on n.nspname = o.schema
       where s.refclassid = 'pg_authid'::regclass
         and s.refobjid = role_id
         and (s.deptype = 'o' or dbid not in (0, here.oid))
         and s.classid <> 'pg_default_acl'::regclass
         and (n.oid is null or n.nspname <> 'public' and not supamigrate.is_application_schema(n.nspname))
         and not exists (
           select from pg_namespace own
            where s.classid = 'pg_namespace'::regclass
              and own.oid = s.objid
              and supamigrate.is_application_schema(own.nspname))
         and not exists (
           select
             from jsonb_to_recordset(created) as item (kind text, name text, made boolean)
            where made and item.name = o.identity)) ties
$function$;

-- An extension that holds data takes it along.
create or replace function supamigrate.find_data(extension_id oid) returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  member regclass;
  filled boolean;
begin
  for member in
    select c.oid
      from pg_depend d
      join pg_class c on c.oid = d.objid
     where d.classid = 'pg_class'::regclass
       and d.refclassid = 'pg_extension'::regclass
       and d.refobjid = extension_id
       and d.deptype = 'e'
       and c.relkind in ('r', 'p')
  loop
    execute format('select exists (select from %s)', member) into filled;
    if filled then
      return format('it has rows in %s', member);
    end if;
  end loop;
  return null;
end
$function$;

-- What there is of created outside of the application's schemas. obstacle: why it cannot be
-- removed. number: its place in created.
create or replace function supamigrate.find_outside(created jsonb)
returns table (
  number bigint, kind text, name text, relation text, class_id oid, object_id oid,
  description text, obstacle text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with wanted as materialized (
    select item->>'kind' as kind, item->>'name' as name, item->>'schema' as schema,
           item->>'relation' as relation, (item->>'made')::boolean as made, place
      from jsonb_array_elements(created) with ordinality as list (item, place)
  ), emptied as materialized (
    select oid, nspname
      from pg_namespace
     where nspname = 'public' or supamigrate.is_application_schema(nspname)
  ), staying as materialized (
    -- In public what others own stays, and what an event trigger uses.
    select w.*, f.class_id, f.object_id, f.table_id, f.owner
      from supamigrate.find_objects(created) f
      join wanted w on w.place = f.number
      left join emptied s on s.oid = f.schema_id
     where s.oid is null
        or w.kind <> 'schema' and s.nspname = 'public' and not pg_has_role(f.owner, 'usage')
        or w.kind = 'function' and exists (
             select from pg_event_trigger e where e.evtfoid = f.object_id)
  ), found as (
    select f.*,
           case f.kind
             when 'user mapping' then format('user mapping for %s on server %I', f.name, f.relation)
             else concat(o.type, ' ', o.identity)
           end as description,
           case f.kind
             when 'role' then supamigrate.find_ties(f.object_id, created)
             when 'extension' then supamigrate.find_data(f.object_id)
             when 'function' then (
               select format('the event trigger %I uses it, which no migration made', e.evtname)
                 from pg_event_trigger e
                where e.evtfoid = f.object_id
                limit 1)
           end as obstacle
      from staying f
     cross join lateral pg_identify_object(f.class_id, f.object_id, 0) o
     where case f.kind
         when 'policy' then f.schema not in ('auth', 'storage', 'realtime')
         -- A trigger goes with its function, and a function with the event trigger that uses it.
         when 'trigger' then not exists (
           select
             from pg_trigger t
             join pg_proc p on p.oid = t.tgfoid
             join emptied s on s.oid = p.pronamespace
            where t.oid = f.object_id
              and (s.nspname <> 'public' or pg_has_role(p.proowner, 'usage')))
         when 'function' then not exists (
           select
             from pg_event_trigger e
             join wanted x on x.kind = 'event trigger' and x.name = e.evtname and x.made
            where e.evtfoid = f.object_id)
         else true
       end
       -- What goes with its schema or its table.
       and not exists (
         select
           from wanted x
           left join pg_class c on c.oid = f.table_id
          where x.made
            and (x.kind = 'schema' and x.name = f.schema
                 or x.kind = 'relation' and x.name = c.relname and x.schema = f.schema))
  )
  select place, kind, name, relation, class_id, object_id, description,
         case
           when not made then 'no migration that is applied made it'
           when obstacle is not null then obstacle
           -- Of the others it may be that the caller may drop them all the same.
           when kind not in ('role', 'extension', 'user mapping', 'policy', 'trigger')
                and not pg_has_role(owner, 'usage')
             then format('it belongs to %I', pg_get_userbyid(owner))
         end
    from found
  union all
  select place, kind, name, relation, null, null, r.description,
         case when not made then 'no migration that is applied made it' else r.obstacle end
    from wanted
   cross join lateral supamigrate.find_rows(kind, name, relation) r
$function$;

-- What a drop would come to. kept: what stays, of what would be the application's by its place.
-- lost: what would go with a schema and is no migration's. outside: what there is of created,
-- by its number from 1.
create or replace function supamigrate.survey_drop(call jsonb) returns jsonb
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with staying as (
    select *, concat(object_type, ' ', identity) as description
      from supamigrate.list_droppable(call->'created')
     where reason is not null
  )
  select jsonb_build_object(
    'kept', (
      select coalesce(jsonb_agg(jsonb_build_object('description', description, 'reason', reason)
                                order by description), '[]')
        from staying
       where schema_name = 'public' or class_id = 'pg_namespace'::regclass),
    'lost', (
      select coalesce(jsonb_agg(jsonb_build_object('description', description, 'reason', reason)
                                order by description), '[]')
        from staying
       where schema_name <> 'public' and class_id <> 'pg_namespace'::regclass),
    'outside', (
      select coalesce(jsonb_agg(jsonb_build_object(
               'number', number, 'description', description, 'obstacle', obstacle)
               order by number), '[]')
        from supamigrate.find_outside(call->'created')))
$function$;

-- Drops one thing, or several of a kind; says which where that fails.
create or replace function supamigrate.execute_drop(object_type text, identities text, behavior text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  detail text;
  hint text;
begin
  execute format('drop %s %s %s',
    case object_type
      when 'statistics object' then 'statistics'
      when 'foreign-data wrapper' then 'foreign data wrapper'
      when 'function' then 'routine'
      when 'procedure' then 'routine'
      when 'aggregate' then 'routine'
      else object_type
    end, identities, behavior);
exception when insufficient_privilege or dependent_objects_still_exist then
  get stacked diagnostics detail = pg_exception_detail, hint = pg_exception_hint;
  raise exception 'Cannot drop % %: %', object_type, identities, sqlerrm
    using errcode = sqlstate, detail = detail,
          hint = concat('Nothing was dropped. Drop it in the SQL editor, then run this again.',
                        ' ' || nullif(hint, ''));
end
$function$;

-- Removes one thing that migrations made outside of the application's schemas.
create or replace function supamigrate.remove_outside(
  kind text, name text, relation text, class_id oid, object_id oid
) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
#variable_conflict use_variable
declare
  object record;
begin
  case kind
    when 'bucket' then
      -- Storage refuses deletions, for they would leave files without a row. There are none.
      perform set_config('storage.allow_delete_query', 'true', true);
      delete from storage.buckets b where b.id = name;
      perform set_config('storage.allow_delete_query', 'false', true);
    when 'cron job' then
      perform cron.unschedule(j.jobid)
         from cron.job j
        where j.jobname is null and j.schedule = name and j.command = relation
          and j.username = current_user and j.database = current_database();
    when 'vault secret' then
      delete from vault.secrets s where s.name = name;
    when 'user mapping' then
      perform supamigrate.execute_drop('user mapping',
        format('for %s server %I', case name when 'public' then name else quote_ident(name) end,
               relation), '');
    else
      select * into strict object from pg_identify_object(class_id, object_id, 0);
      if kind = 'role' then
        -- Whoever makes roles may join them, and has to, to take their rights from them.
        if not pg_has_role(object_id, 'usage') then
          execute format('grant %s to %I', object.identity, current_user);
        end if;
        execute format('drop owned by %s', object.identity);
      end if;
      perform supamigrate.execute_drop(object.type, object.identity,
        case kind when 'schema' then 'cascade' else '' end);
  end case;
end
$function$;

-- Drops what list_droppable says, a hundred a command: PostgreSQL looks through all that a command
-- drops for each of it, and what there is would have to be looked up anew for each command.
create or replace function supamigrate.drop_all(created jsonb) returns text[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  target record;
  identities text;
  dropped text[] := '{}';
begin
  -- Policies on the platform's tables are the application's; they would stand in the way of
  -- the migrations that create them.
  for target in
    select format('%I on %I.%I', p.polname, n.nspname, c.relname) as identity
      from pg_policy p
      join pg_class c on c.oid = p.polrelid
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname in ('auth', 'storage', 'realtime')
     order by n.nspname, c.relname, p.polname
  loop
    perform supamigrate.execute_drop('policy', target.identity, '');
    dropped := dropped || ('policy ' || target.identity);
  end loop;

  -- So are privileges on extensions' tables. Supabase takes its own there back and grants them anew
  -- each time that CREATE EXTENSION IF NOT EXISTS is run, and cannot where they were passed on.
  for target in
    select distinct c.oid::regclass as relation,
           case grantee when 0 then 'public' else quote_ident(pg_get_userbyid(grantee)) end as grantee
      from pg_depend d
      join pg_class c on c.oid = d.objid
     cross join lateral aclexplode(c.relacl) acl
     where d.classid = 'pg_class'::regclass
       and d.deptype = 'e'
       and acl.grantor <> c.relowner
       and acl.grantor = (select oid from pg_roles where rolname = current_user)
     order by 1, 2
  loop
    execute format('revoke all on %s from %s', target.relation, target.grantee);
    dropped := dropped || format('privileges of %s on %s', target.grantee, target.relation);
  end loop;

  for target in
    select class_id, object_type, array_agg(object_id order by object_id) as objects,
           array_agg(concat(object_type, ' ', identity) order by object_id)
             filter (where schema_name = 'public') as described
      from (select *, row_number() over (partition by class_id, object_type order by object_id) as place
              from supamigrate.list_droppable(created)
             where reason is null and class_id <> 'pg_namespace'::regclass) listed
     -- Operator classes and families are dropped one by one.
     group by class_id, object_type, place / case when object_type like 'operator %' then 1 else 100 end
     order by class_id <> 'pg_class'::regclass, class_id, min(object_id)
  loop
    -- CASCADE may have taken some along.
    select string_agg(
             case o.type
               -- Two procedures may differ in what they give back alone.
               when 'procedure' then format('%I.%I(%s)', o.schema, p.proname,
                                            pg_get_function_identity_arguments(p.oid))
               else o.identity
             end, ', ')
      into identities
      from unnest(target.objects) object_id
     cross join lateral pg_identify_object(target.class_id, object_id, 0) o
      left join pg_proc p on target.class_id = 'pg_proc'::regclass and p.oid = object_id
     where o.identity is not null;
    if identities is not null then
      perform supamigrate.execute_drop(target.object_type, identities, 'cascade');
    end if;
    dropped := dropped || target.described;
  end loop;

  for target in
    select nspname from pg_namespace
     where supamigrate.is_application_schema(nspname)
     order by nspname
  loop
    perform supamigrate.execute_drop('schema', quote_ident(target.nspname), 'cascade');
    dropped := dropped || format('schema %I', target.nspname);
  end loop;
  return dropped;
end
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

-- call: created, and remove: the descriptions of those that the caller was told would be removed.
create or replace function supamigrate.drop_application_schemas(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  created constant jsonb := coalesce(call->'created', '[]');
  survey constant jsonb := supamigrate.survey_drop(call);
  outside jsonb;
  kept jsonb;
  target record;
  lost text;
  dropped text[] := '{}';
  missing_before constant text := supamigrate.missing_way_in();
  others jsonb;
begin
  perform supamigrate.leave_clean();
  perform supamigrate.set_defaults();

  if jsonb_array_length(survey->'lost') > 0
     or jsonb_path_exists(survey, '$.outside[*].obstacle ? (@ != null)')
     or jsonb_path_query_array(survey, '$.outside[*].description') <> coalesce(call->'remove', '[]') then
    raise exception 'What would be in the way of the migrations has changed since it was looked at'
      using errcode = 'object_not_in_prerequisite_state',
            hint = 'Nothing was dropped. Run the command again.';
  end if;

  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into outside
    from supamigrate.find_outside(created) item;
  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into kept
    from (select class_id, object_id, concat(object_type, ' ', identity) as description
            from supamigrate.list_droppable(created)
           where reason is not null
          union all
          select 'pg_event_trigger'::regclass, oid, format('event trigger %I', evtname)
            from pg_event_trigger
           where not exists (
             select
               from jsonb_to_recordset(outside) as item (kind text, object_id oid)
              where item.kind = 'event trigger' and item.object_id = oid)) item;

  select coalesce(jsonb_agg(to_jsonb(item)), '[]')
    into others
    from supamigrate.list_of_others() item;

  begin
    -- Event triggers first, so that they do not fire for the others; roles last, for they own some.
    for target in
      select item.*
        from (values
               (1, 'event trigger'), (2, null),
               (3, 'trigger'), (3, 'policy'), (3, 'relation'), (3, 'type'), (3, 'function'),
               (4, 'publication'), (5, 'user mapping'), (6, 'server'), (7, 'foreign data wrapper'),
               (8, 'bucket'), (8, 'cron job'), (8, 'vault secret'), (9, 'extension'), (10, 'schema'),
               (11, 'role')) ranks (rank, kind)
        left join jsonb_to_recordset(outside) as item (
               number bigint, kind text, name text, relation text, class_id oid, object_id oid,
               description text)
          on item.kind = ranks.kind
       where item.kind is not null or ranks.kind is null
       order by rank, item.number desc
    loop
      if target.kind is null then
        dropped := dropped || supamigrate.drop_all(created);
      else
        perform supamigrate.remove_outside(
          target.kind, target.name, target.relation, target.class_id, target.object_id);
        dropped := dropped || target.description;
      end if;
    end loop;
  exception when out_of_memory then
    raise exception 'Dropping everything in one transaction takes more locks than this server has room for'
      using errcode = 'program_limit_exceeded',
            hint = 'Nothing was dropped. Raise max_locks_per_transaction '
              || '(supabase postgres-config update --config max_locks_per_transaction=1024), or drop '
              || 'the largest schemas yourself in the SQL editor, then run this again.';
  end;

  -- CASCADE asks nobody.
  select string_agg(description, ', ')
    into lost
    from (select item.description
            from jsonb_to_recordset(kept) as item (class_id oid, object_id oid, description text)
           cross join lateral pg_identify_object(class_id, object_id, 0) o
           where o.identity is null
          union all
          select item.description
            from jsonb_to_recordset(others) as item (
                   class_id oid, object_id oid, sub_id integer, description text)
           where not exists (
                   select
                     from supamigrate.list_of_others() now
                    where now.class_id = item.class_id
                      and now.object_id = item.object_id
                      and now.sub_id = item.sub_id)
             and not exists (
                   select
                     from jsonb_to_recordset(outside) as gone (class_id oid, object_id oid)
                    where gone.class_id = item.class_id and gone.object_id = item.object_id)) lost_items;
  if lost is not null then
    raise exception 'What is to stay depends on what would be dropped: %', lost
      using errcode = 'dependent_objects_still_exist',
            hint = 'Nothing was dropped. Drop that yourself in the SQL editor, or untie it, then run '
              || 'this again.';
  end if;
  perform supamigrate.guard_door(missing_before);

  update supamigrate.migration_history
     set status = 'rolled_back', applied_checksum = null, progress = null,
         error_message = null, error = null
   where applied_checksum is not null or status = 'failed';
  perform supamigrate.write_log(call, 'drop application schemas', 'ok',
    details => jsonb_build_object('dropped', to_jsonb(dropped)));
  notify pgrst, 'reload schema';
  return jsonb_build_object('dropped', to_jsonb(dropped));
end
$function$;
