-- What migrations can make, a line each, in no order: two databases that have the same lines have the
-- same schema. PostgreSQL's own schemas, supamigrate's, and members of extensions are left out.
with known_schema as (
  select oid, nspname
    from pg_namespace
   where nspname !~ '^pg_' and nspname <> 'information_schema'
     and nspname <> 'supamigrate'
), extension_member as (
  select classid, objid from pg_depend where deptype = 'e'
), relation as (
  select format('%I.%I', n.nspname, c.relname) as name, c.*
    from pg_class c join known_schema n on n.oid = c.relnamespace
   where c.relpersistence <> 't'
     and not exists (
       select from extension_member
        where classid = 'pg_class'::regclass and objid = c.oid)
)
select concat_ws(' ', 'schema', n.nspname, n.nspowner::regrole, (select string_agg(item::text, ' ' order by item::text) from unnest(n.nspacl) item)) as line
  from pg_namespace n where n.oid in (select oid from known_schema)
union all
select concat_ws(' ', o.type, o.identity)
  from pg_depend d cross join lateral pg_identify_object(d.classid, d.objid, d.objsubid) o
 where d.refclassid = 'pg_namespace'::regclass and d.deptype = 'n'
   and d.refobjid in (select oid from known_schema)
   and not exists (
     select from extension_member e where e.classid = d.classid and e.objid = d.objid)
union all
select concat_ws(' ', 'relation', relkind, name, relowner::regrole, relpersistence,
                 relrowsecurity, relforcerowsecurity, reloptions, (select string_agg(item::text, ' ' order by item::text) from unnest(relacl) item))
  from relation
union all
select concat_ws(' ', 'column', r.name, a.attname, format_type(a.atttypid, a.atttypmod),
                 a.attnotnull, a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid),
                 (select string_agg(item::text, ' ' order by item::text) from unnest(a.attacl) item))
  from relation r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
  left join pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
 where r.relkind <> 'i'
union all
select concat_ws(' ', 'constraint', conrelid::regclass, contypid::regtype, conname,
                 pg_get_constraintdef(c.oid), convalidated)
  from pg_constraint c where connamespace in (select oid from known_schema)
union all
select pg_get_indexdef(oid) from relation where relkind in ('i', 'I')
union all
select concat_ws(' ', 'view', name, pg_get_viewdef(oid))
  from relation where relkind in ('v', 'm')
union all
select concat_ws(' ', p.proowner::regrole, (select string_agg(item::text, ' ' order by item::text) from unnest(p.proacl) item), pg_get_functiondef(p.oid))
  from pg_proc p
 where p.pronamespace in (select oid from known_schema) and p.prokind in ('f', 'p')
   and not exists (
     select from extension_member where classid = 'pg_proc'::regclass and objid = p.oid)
union all
select concat_ws(' ', pg_get_triggerdef(t.oid), tgenabled)
  from pg_trigger t join relation r on r.oid = tgrelid where not tgisinternal
union all
select concat_ws(' ', 'policy', polname, r.name, polcmd, polpermissive,
                 polroles::regrole[], pg_get_expr(polqual, polrelid),
                 pg_get_expr(polwithcheck, polrelid))
  from pg_policy join relation r on r.oid = polrelid
union all
select concat_ws(' ', 'type', t.oid::regtype, t.typtype, t.typowner::regrole,
                 (select string_agg(item::text, ' ' order by item::text) from unnest(t.typacl) item),
                 (select array_agg(enumlabel order by enumsortorder)
                    from pg_enum where enumtypid = t.oid))
  from pg_type t where t.typnamespace in (select oid from known_schema) and typtype in ('e', 'd', 'r')
union all
select concat_ws(' ', 'publication', pubname, p.puballtables, prrelid::regclass)
  from pg_publication p left join pg_publication_rel on prpubid = p.oid
union all
select concat_ws(' ', 'extension', extname, extnamespace::regnamespace, extversion)
  from pg_extension
union all
select concat_ws(' ', 'default privileges', defaclrole::regrole,
                 nullif(defaclnamespace, 0)::regnamespace, defaclobjtype, (select string_agg(item::text, ' ' order by item::text) from unnest(defaclacl) item))
  from pg_default_acl
union all
select concat_ws(' ', 'event trigger', evtname, evtevent, evtenabled, evtfoid::regprocedure)
  from pg_event_trigger
union all
select concat_ws(' ', 'role', rolname, rolsuper, rolcanlogin, rolbypassrls, rolconfig)
  from pg_roles where rolname !~ '^pg_'
union all
select concat_ws(' ', 'member', roleid::regrole, member::regrole) from pg_auth_members
union all
select concat_ws(' ', 'setting', d.datname, s.setrole, s.setconfig)
  from pg_db_role_setting s join pg_database d on d.oid = s.setdatabase
 where d.datname = current_database()
union all
select concat_ws(' ', 'comment', o.type, o.identity, c.description)
  from pg_description c cross join lateral pg_identify_object(c.classoid, c.objoid, c.objsubid) o
 where c.objoid >= 16384 and o.identity !~ '^supamigrate';
