-- Privileges in an order that does not depend on the order in which they were granted. Those that
-- an owner has anyway are spelled out as soon as anything is granted, and stay so: callers fill them in.
create or replace function supamigrate.sorted_acl(acl aclitem[]) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select string_agg(item::text, ' ' order by item::text) from unnest(acl) item
$function$;

-- What the application's schema is made of, as a digest for each of its objects: who compares two of
-- them knows which objects are not what they were, and `drift` says how. Names and texts alone, no
-- number that a restore would change.
create or replace function supamigrate.schema_objects() returns table (name text, digest text)
language sql stable
set search_path = pg_catalog, pg_temp
set TimeZone = utc
set DateStyle = iso
set IntervalStyle = postgres
set quote_all_identifiers = off
as $function$
  with application_schema as materialized (
    select oid, nspname, nspowner, nspacl
      from pg_namespace
     where nspname = 'public' or not supamigrate.is_platform_schema(nspname)
  ), extension_member as materialized (
    select classid, objid from pg_depend where deptype = 'e'
  ), relation as materialized (
    select c.*, format('%I.%I', n.nspname, c.relname) as name
      from pg_class c
      join application_schema n on n.oid = c.relnamespace
     where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
       and c.relpersistence <> 't'
       and not (c.relkind = 'v' and c.relname ~ '^supamigrate_schema_\d+$') -- api_ready.sql
       and not exists (
         select from extension_member e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
  ), routine as materialized (
    select p.*, p.oid::regprocedure::text as name
      from pg_proc p
      join application_schema n on n.oid = p.pronamespace
     where not (n.nspname = 'public' and p.proname = 'exec_sql')
       and not exists (
         select from extension_member e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
  ), guarded as ( -- the application's policies and triggers stand on the platform's tables as well
    select oid, oid::regclass::text as name from pg_class where relkind in ('r', 'p', 'v', 'f')
  ), line (name, text) as (
    select format('schema %I', nspname),
           concat_ws(' ', nspowner::regrole, supamigrate.sorted_acl(coalesce(nspacl, acldefault('n', nspowner))),
             obj_description(oid, 'pg_namespace'))
      from application_schema
    union all
    select name,
           concat_ws(' ', relkind, relpersistence, relowner::regrole, relrowsecurity,
             relforcerowsecurity, relreplident, reloptions,
             supamigrate.sorted_acl(coalesce(
               relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner))),
             reloftype::regtype, obj_description(oid, 'pg_class'),
             case when relkind in ('v', 'm') then pg_get_viewdef(oid) end,
             case when relkind = 'p' then pg_get_partkeydef(oid) end,
             pg_get_expr(relpartbound, oid))
      from relation
    union all
    select name, concat_ws(' ', 'inherits', inhparent::regclass)
      from relation join pg_inherits on inhrelid = oid
    union all
    select r.name,
           concat_ws(' ', 'column', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
             a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attstorage,
             a.attcompression, a.attislocal,
             nullif(array(select option from unnest(a.attoptions) option where option !~ '^pg_'), '{}'), pg_get_expr(d.adbin, d.adrelid),
             supamigrate.sorted_acl(a.attacl), col_description(r.oid, a.attnum))
      from relation r
      join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
     where r.relkind <> 'S'
    union all
    select r.name,
           concat_ws(' ', 'constraint', conname, pg_get_constraintdef(c.oid), convalidated,
             obj_description(c.oid, 'pg_constraint'))
      from pg_constraint c join relation r on r.oid = c.conrelid
    union all
    select r.name,
           concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid, indisreplident, indisclustered,
             obj_description(indexrelid, 'pg_class'))
      from pg_index join relation r on r.oid = indrelid
    union all
    select r.name,
           concat_ws(' ', seqtypid::regtype, seqstart, seqincrement, seqmin, seqmax, seqcache, seqcycle)
      from pg_sequence join relation r on r.oid = seqrelid
    union all
    select g.name,
           concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled, obj_description(t.oid, 'pg_trigger'))
      from pg_trigger t
      join guarded g on g.oid = t.tgrelid
     where not t.tgisinternal
       and (t.tgrelid in (select oid from relation) or t.tgfoid in (select oid from routine))
    union all
    select g.name,
           concat_ws(' ', 'policy', polname, polcmd, polpermissive,
             (select string_agg(role::regrole::text, ', ' order by role::regrole::text) from unnest(polroles) role),
             pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),
             obj_description(p.oid, 'pg_policy'))
      from pg_policy p
      join guarded g on g.oid = p.polrelid
     where p.polrelid in (select oid from relation)
        or g.name like 'storage.%' or g.name like 'realtime.%'
    union all
    select r.name, concat_ws(' ', pg_get_ruledef(w.oid), ev_enabled)
      from pg_rewrite w join relation r on r.oid = w.ev_class
     where w.rulename <> '_RETURN'
    union all
    select name,
           concat_ws(' ', prokind, proowner::regrole, supamigrate.sorted_acl(coalesce(proacl, acldefault('f', proowner))),
             case when prokind in ('f', 'p', 'w') then pg_get_functiondef(oid) end,
             (select concat_ws(' ', aggtransfn, aggfinalfn, aggcombinefn, agginitval, aggsortop::regoper)
                from pg_aggregate where aggfnoid = routine.oid),
             obj_description(oid, 'pg_proc'))
      from routine
    union all
    select t.oid::regtype::text,
           concat_ws(' ', t.typtype, t.typowner::regrole, supamigrate.sorted_acl(coalesce(t.typacl, acldefault('T', t.typowner))),
             nullif(t.typbasetype, 0)::regtype, t.typnotnull, t.typdefault,
             (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder)
                from pg_enum where enumtypid = t.oid),
             (select string_agg(concat_ws(' ', conname, pg_get_constraintdef(c.oid)), ', ' order by conname)
                from pg_constraint c where c.contypid = t.oid),
             (select concat_ws(' ', rngsubtype::regtype, rngcollation::regcollation)
                from pg_range where rngtypid = t.oid),
             obj_description(t.oid, 'pg_type'))
      from pg_type t
      join application_schema n on n.oid = t.typnamespace
     where t.typtype in ('e', 'd', 'r')
       and not exists (
         select from extension_member e where e.classid = 'pg_type'::regclass and e.objid = t.oid)
    union all
    select format('publication %I', pubname),
           concat_ws(' ', pubowner::regrole, puballtables, pubinsert, pubupdate, pubdelete, pubtruncate,
             (select string_agg(prrelid::regclass::text, ', ' order by prrelid::regclass::text)
                from pg_publication_rel where prpubid = p.oid))
      from pg_publication p
    union all
    select format('event trigger %I', evtname),
           concat_ws(' ', evtevent, evtenabled, evttags, evtfoid::regprocedure)
      from pg_event_trigger
     where evtfoid in (select oid from routine)
    union all
    select format('extension %I', extname), concat_ws(' ', extnamespace::regnamespace)
      from pg_extension
    union all
    select format('default privileges of %s', defaclrole::regrole),
           concat_ws(' ', nullif(defaclnamespace, 0)::regnamespace, defaclobjtype,
             supamigrate.sorted_acl(defaclacl))
      from pg_default_acl
     where defaclrole = 'postgres'::regrole
        or defaclnamespace in (select oid from application_schema)
  )
  select name, left(encode(sha256(convert_to(string_agg(text, E'\n' order by text), 'UTF8')), 'hex'), 16)
    from line
   group by name
$function$;

-- One digest for all of it.
create or replace function supamigrate.schema_fingerprint(objects jsonb) returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select left(encode(sha256(convert_to(objects::text, 'UTF8')), 'hex'), 16)
$function$;

-- All of them, by name. What somebody else drops at this moment is an error to some of the functions that
-- describe it: then it is read once more, and where somebody goes on dropping, nobody can say: null.
create or replace function supamigrate.read_schema() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  for attempt in 1..3 loop
    begin
      return (select coalesce(jsonb_object_agg(name, digest), '{}') from supamigrate.schema_objects());
    exception when internal_error or undefined_table or undefined_object or undefined_function then
      continue;
    end;
  end loop;
  return null;
end
$function$;

-- What the schema is like, and which objects are not what they were when the last run ended: null
-- where nobody can say, as a run did not come to its end, or the server is another one since.
create or replace function supamigrate.schema_changes() returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_build_object(
    'fingerprint', supamigrate.schema_fingerprint(now),
    'changed', (
      select coalesce(
               (select jsonb_agg(name order by name)
                  from (select coalesce(a.key, b.key) as name
                          from jsonb_each_text(known.objects) a
                          full join jsonb_each_text(now) b using (key)
                         where a.value is distinct from b.value) changed),
               '[]')
        from supamigrate.schema_at_rest known
        join supamigrate.migration_lock held on held.generation = known.generation
       where known.server_version = current_setting('server_version_num')::integer / 10000))
    from supamigrate.read_schema() now
   where now is not null
$function$;

-- The last act of a run: what the schema is like from now on, with the number that the lock has until
-- somebody takes it again. call: schema_before, the fingerprint that the run began with.
create or replace function supamigrate.leave_schema(call jsonb, held supamigrate.migration_lock)
returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  objects_now jsonb;
begin
  if held.sequence = 0 then -- it has changed nothing: what was known is known still
    update supamigrate.schema_at_rest
       set generation = held.generation + 1
     where id = 1 and generation = held.generation - 1;
    return '{}';
  end if;
  perform supamigrate.retract_announcement();
  objects_now := supamigrate.read_schema();
  if objects_now is null then
    delete from supamigrate.schema_at_rest where true;
    return '{}';
  end if;
  insert into supamigrate.schema_at_rest (id, generation, server_version, objects)
  values (1, held.generation + 1, current_setting('server_version_num')::integer / 10000, objects_now)
  on conflict (id) do update
    set generation = excluded.generation,
        server_version = excluded.server_version,
        objects = excluded.objects;
  perform supamigrate.write_log(call, 'schema', 'ok', details => jsonb_build_object(
    'before', call->'schema_before', 'after', supamigrate.schema_fingerprint(objects_now)));
  return '{}';
end
$function$;
