-- What migrations made outside of the application's schemas, for `fresh --drop-schema`: roles,
-- publications, buckets and so on. Those that would keep the migrations from being applied again are
-- named by the caller, who reads them from the migrations' text:
--
--   created: [{kind, name, schema, relation, made}, …], where made says that a migration that is
--   applied created it. Those go with the application's schemas; whatever else is in the way
--   keeps the drop from being done.

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
