-- The application's tables and views, what belongs to each, and what the roles of the API may do with
-- them, for `report` and `status --diagram`. The parameters name the platform's schemas.
with application as (
  select c.oid, c.relkind, c.relowner, c.relacl, c.relrowsecurity, c.relforcerowsecurity, c.reltuples,
         n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) as id
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'f', 'v', 'm')
     and not c.relispartition
     and c.relpersistence <> 't'
     and not (n.nspname = any (array(select jsonb_array_elements_text($1::jsonb->'platform'))))
     and n.nspname !~ '^pg_'
     and not exists (
       select
         from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), columns as (
  select a.attrelid,
         jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
           'name', a.attname,
           'type', format_type(a.atttypid, a.atttypmod),
           'required', nullif(a.attnotnull, false),
           'default', case when a.attgenerated = '' then pg_get_expr(d.adbin, d.adrelid) end,
           'generated', case when a.attgenerated <> '' then pg_get_expr(d.adbin, d.adrelid) end,
           'identity', case a.attidentity when 'a' then 'always' when 'd' then 'by default' end,
           'comment', col_description(a.attrelid, a.attnum))) order by a.attnum) as list
    from application t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   group by a.attrelid
), constraints as (
  select k.conrelid,
         jsonb_agg(jsonb_build_object(
           'name', k.conname,
           'kind', case k.contype when 'p' then 'primary key' when 'u' then 'unique'
                                  when 'c' then 'check' else 'exclusion' end,
           'columns', array(
             select attname
               from unnest(k.conkey) with ordinality as key (number, position)
               join pg_attribute on attrelid = k.conrelid and attnum = key.number
              order by position),
           'definition', pg_get_constraintdef(k.oid))
           order by position('pucx' in k.contype::text), k.conname)
           filter (where k.contype in ('p', 'u', 'c', 'x')) as list,
         jsonb_agg(jsonb_build_object(
           'name', k.conname,
           'columns', array(
             select attname
               from unnest(k.conkey) with ordinality as key (number, position)
               join pg_attribute on attrelid = k.conrelid and attnum = key.number
              order by position),
           'target', format('%I.%I', rn.nspname, r.relname),
           'targetColumns', array(
             select attname
               from unnest(k.confkey) with ordinality as key (number, position)
               join pg_attribute on attrelid = k.confrelid and attnum = key.number
              order by position),
           'onDelete', case k.confdeltype when 'c' then 'cascade' when 'n' then 'set null'
                                          when 'd' then 'set default' when 'r' then 'restrict' end,
           'optional', exists (
             select
               from pg_attribute
              where attrelid = k.conrelid and attnum = any (k.conkey) and not attnotnull),
           'unique', exists (
             select
               from pg_index
              where indrelid = k.conrelid and indisunique and indpred is null and indexprs is null
                and (indkey::int2[])[0:indnkeyatts - 1] <@ k.conkey))
           order by k.conkey, k.conname)
           filter (where k.contype = 'f') as keys
    from application t
    join pg_constraint k on k.conrelid = t.oid
    left join pg_class r on r.oid = k.confrelid
    left join pg_namespace rn on rn.oid = r.relnamespace
   where k.contype in ('p', 'u', 'c', 'x', 'f')
     and k.conparentid = 0
   group by k.conrelid
), indexes as (
  select i.indrelid,
         jsonb_agg(jsonb_build_object(
           'name', c.relname,
           'definition', pg_get_indexdef(i.indexrelid),
           'valid', i.indisvalid) order by c.relname) as list
    from application t
    join pg_index i on i.indrelid = t.oid
    join pg_class c on c.oid = i.indexrelid
   group by i.indrelid
), triggers as (
  select g.tgrelid,
         jsonb_agg(jsonb_build_object(
           'name', g.tgname,
           'definition', pg_get_triggerdef(g.oid),
           'enabled', g.tgenabled <> 'D') order by g.tgname) as list
    from application t
    join pg_trigger g on g.tgrelid = t.oid and not g.tgisinternal
   group by g.tgrelid
), policies as (
  select p.polrelid,
         jsonb_agg(jsonb_build_object(
           'name', p.polname,
           'command', case p.polcmd when 'r' then 'select' when 'a' then 'insert'
                                    when 'w' then 'update' when 'd' then 'delete' else 'all' end,
           'permissive', p.polpermissive,
           'roles', array(
             select case role when 0 then 'public' else pg_get_userbyid(role) end
               from unnest(p.polroles) as role
              order by 1),
           'using', pg_get_expr(p.polqual, p.polrelid),
           'check', pg_get_expr(p.polwithcheck, p.polrelid)) order by p.polname) as list
    from application t
    join pg_policy p on p.polrelid = t.oid
   group by p.polrelid
), granted as (
  select t.oid, null::name as attname, grant_.grantee, grant_.privilege_type
    from application t
   cross join aclexplode(t.relacl) as grant_
   where grant_.grantee <> t.relowner
   union all
  select t.oid, a.attname, grant_.grantee, grant_.privilege_type
    from application t
    join pg_attribute a on a.attrelid = t.oid and not a.attisdropped and a.attacl is not null
   cross join aclexplode(a.attacl) as grant_
   where grant_.grantee <> t.relowner
), grants as (
  select oid, jsonb_agg(jsonb_build_object(
           'grantee', case grantee when 0 then 'public' else pg_get_userbyid(grantee) end,
           'privileges', privileges,
           'columns', columns) order by grantee, columns nulls first) as list
    from (
      select oid, grantee, columns, array_agg(lower(privilege_type) order by privilege_type) as privileges
        from (
          select oid, grantee, privilege_type,
                 case when count(attname) > 0 then array_agg(attname order by attname) end as columns
            from granted
           group by oid, grantee, privilege_type, attname is null) as by_privilege
       group by oid, grantee, columns) as by_columns
   group by oid
-- Who acts over the API, and whoever else a policy names.
), actors as (
  select oid, rolname, rolbypassrls
    from pg_roles
   where rolname in ('anon', 'authenticated', 'service_role')
      or oid in (select unnest(p.polroles) from pg_policy p join application t on t.oid = p.polrelid)
)
select jsonb_build_object(
  'roles', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', rolname,
             'bypassesRls', rolbypassrls,
             -- Their policies are its own.
             'is', array(
               select r.rolname from actors r where pg_has_role(a.oid, r.oid, 'usage')))
             order by array_position(array['anon', 'authenticated', 'service_role'], rolname::text), rolname),
           '[]')
      from actors a),
  'tables', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', t.id,
             'schema', t.nspname,
             'name', t.relname,
             'kind', case t.relkind when 'r' then 'table' when 'p' then 'partitioned table'
                                    when 'f' then 'foreign table' when 'v' then 'view'
                                    else 'materialized view' end,
             'owner', pg_get_userbyid(t.relowner),
             'comment', obj_description(t.oid, 'pg_class'),
             'rls', t.relrowsecurity,
             'forced', t.relforcerowsecurity,
             'rows', case when t.relkind in ('r', 'm') and t.reltuples >= 0 then t.reltuples::bigint end,
             'bytes', case when t.relkind in ('r', 'm') then pg_total_relation_size(t.oid) end,
             'definition', case when t.relkind in ('v', 'm') then pg_get_viewdef(t.oid) end,
             'columns', coalesce(columns.list, '[]'),
             'constraints', coalesce(constraints.list, '[]'),
             'references', coalesce(constraints.keys, '[]'),
             'indexes', coalesce(indexes.list, '[]'),
             'triggers', coalesce(triggers.list, '[]'),
             'policies', coalesce(policies.list, '[]'),
             'grants', coalesce(grants.list, '[]'),
             -- S, I, U, D: the whole table; in lower case some of its columns alone.
             'access', (
               select jsonb_object_agg(a.rolname, concat(
                        case when has_table_privilege(a.oid, t.oid, 'select') then 'S'
                             when has_any_column_privilege(a.oid, t.oid, 'select') then 's' end,
                        case when has_table_privilege(a.oid, t.oid, 'insert') then 'I'
                             when has_any_column_privilege(a.oid, t.oid, 'insert') then 'i' end,
                        case when has_table_privilege(a.oid, t.oid, 'update') then 'U'
                             when has_any_column_privilege(a.oid, t.oid, 'update') then 'u' end,
                        case when has_table_privilege(a.oid, t.oid, 'delete') then 'D' end))
                 from actors a))
             order by t.nspname <> 'public', t.nspname, t.relname), '[]')
      from application t
      left join columns on columns.attrelid = t.oid
      left join constraints on constraints.conrelid = t.oid
      left join indexes on indexes.indrelid = t.oid
      left join triggers on triggers.tgrelid = t.oid
      left join policies on policies.polrelid = t.oid
      left join grants on grants.oid = t.oid)) as result
