-- What `types` makes TypeScript of: the relations, functions and types of some schemas, and the keys
-- that PostgREST follows, through views as well. The parameters name the schemas, as `schemas`; where
-- they do not, it is those that the API shows, and where nobody has said which, public.
with recursive
given as (
  select params->'schemas' as schemas, jsonb_typeof(params->'schemas') is distinct from 'array' as is_open
    from (select $1::jsonb as params) p
-- What a role is set to in this database comes before what it is set to everywhere.
), shown as (
  select string_to_array(substr(setting, length('pgrst.db_schemas=') + 1), ',') as names
    from pg_db_role_setting s
    join pg_roles r on r.oid = s.setrole and r.rolname = 'authenticator'
   cross join unnest(s.setconfig) as setting
   where setting like 'pgrst.db\_schemas=%'
     and s.setdatabase in (0, (select oid from pg_database where datname = current_database()))
   order by s.setdatabase desc
   limit 1
), wanted as (
  select jsonb_array_elements_text(schemas) as name
    from given
   where not is_open
  union
  select btrim(name, E' \t\n"')
    from given
   cross join unnest(coalesce((select names from shown), array['public'])) as name
   where is_open
), chosen as (
  select n.oid, n.nspname as name
    from pg_namespace n
    join wanted w on w.name = n.nspname
), relation as (
  select c.*, n.name as schema
    from pg_class c
    join chosen n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'f')
), a_column as (
  select a.attrelid, a.attnum, a.attname, a.attidentity,
         -- A domain stands for what it is made of.
         coalesce(nullif(t.typbasetype, 0), t.oid) as type,
         not (a.attnotnull or (t.typtype = 'd' and t.typnotnull)) as nullable,
         a.atthasdef as has_default,
         c.relkind in ('r', 'p')
           or (c.relkind in ('v', 'f') and pg_column_is_updatable(c.oid, a.attnum, false))
           as updatable
    from pg_attribute a
    join relation c on c.oid = a.attrelid
    join pg_type t on t.oid = a.atttypid
   where a.attnum > 0
     and not a.attisdropped
     and (pg_has_role(c.relowner, 'usage')
          or has_column_privilege(c.oid, a.attnum, 'select, insert, update, references'))
), foreign_key as (
  select k.oid, k.conname, k.conrelid, k.confrelid, k.conkey, k.confkey,
         -- The columns of a unique key count in their own order, as they do for PostgREST.
         exists (
           select
             from pg_constraint u
            where u.conrelid = k.conrelid
              and u.contype in ('p', 'u')
              and k.conkey = array(select key from unnest(u.conkey) as key order by key)
         ) as is_one_to_one
    from pg_constraint k
   where k.contype = 'f'
     and k.conparentid = 0
     and k.connamespace in (select oid from chosen)
), key_column as (
  select conrelid as relation, unnest(conkey) as number from foreign_key
  union
  select confrelid, unnest(confkey) from foreign_key
-- Where the columns of views come from stands in their rules alone: in the entries of the outermost
-- target list, which no other braces are around than those of the query and their own.
), rule_token as (
  select c.oid as view, token.match, token.number,
         sum(case token.match[1] when '{' then 1 when '}' then -1 else 0 end)
           over (partition by c.oid order by token.number) as depth
    from relation c
    join pg_rewrite r on r.ev_class = c.oid and r.rulename = '_RETURN'
   cross join regexp_matches(
           -- What is escaped belongs to names and values.
           regexp_replace(r.ev_action::text, '\\.', '', 'g'),
           '([{}])|:resno ([0-9]+) :resname [^ ]* :ressortgroupref [0-9]+'
           ' :resorigtbl ([0-9]+) :resorigcol ([0-9]+)', 'g'
         ) with ordinality as token(match, number)
   where c.relkind in ('v', 'm')
), origin as (
  select view, match[2]::smallint as view_column, match[3]::oid as relation, match[4]::smallint as number
    from rule_token
   where depth = 2
     and match[3] <> '0'
), traced as (
  select view, view_column, relation, number from origin
  union
  select t.view, t.view_column, o.relation, o.number
    from traced t
    join origin o on o.view = t.relation and o.view_column = t.number
), a_function as (
  select p.oid, n.name as schema, p.proname, p.prorettype, p.proretset, p.prorows,
         p.pronargs, p.pronargdefaults, p.proargnames, p.proargmodes,
         coalesce(p.proallargtypes, p.proargtypes::oid[]) as types
    from pg_proc p
    join chosen n on n.oid = p.pronamespace
   where p.prokind = 'f'
     and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
)
select jsonb_build_object(
  'schemas', (select coalesce(jsonb_agg(name order by name collate "C"), '[]') from chosen),
  'missing', (
    select coalesce(jsonb_agg(name order by name collate "C"), '[]')
      from wanted
     where name not in (select name from chosen)),
  -- Its sessions say which version it is.
  'api_sessions', (
    select coalesce(jsonb_agg(distinct application_name), '[]')
      from pg_stat_activity
     where datname = current_database() and application_name ilike 'postgrest %'),
  'relations', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'id', c.oid::bigint,
             'schema', c.schema,
             'name', c.relname,
             'kind', c.relkind,
             'row_type', c.reltype::bigint,
             'updatable', (pg_relation_is_updatable(c.oid, false) & 20) = 20,
             'columns', (
               select coalesce(jsonb_agg(jsonb_build_object(
                        'name', a.attname,
                        'number', a.attnum,
                        'type', a.type::bigint,
                        'nullable', a.nullable,
                        'identity', a.attidentity,
                        'has_default', a.has_default,
                        'updatable', a.updatable) order by a.attnum), '[]')
                 from a_column a
                where a.attrelid = c.oid))
             order by c.oid), '[]')
      from relation c
     where pg_has_role(c.relowner, 'usage')
        or has_table_privilege(c.oid, 'select, insert, update, delete, truncate, references, trigger')
        or has_any_column_privilege(c.oid, 'select, insert, update, references')
        or c.relkind in ('v', 'm', 'f')),
  'functions', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'schema', f.schema,
             'name', f.proname,
             'arguments', pg_get_function_arguments(f.oid),
             'result', pg_get_function_result(f.oid),
             'returns', f.prorettype::bigint,
             'is_set', f.proretset,
             'rows', f.prorows,
             'args', (
               select coalesce(jsonb_agg(jsonb_build_object(
                        'name', coalesce(f.proargnames[arg.number], ''),
                        'mode', coalesce(f.proargmodes[arg.number], 'i'),
                        'type', arg.type::bigint,
                        'has_default', arg.is_input
                          and arg.input > f.pronargs - f.pronargdefaults)
                        order by arg.number), '[]')
                 from (
                   select type, number, is_input,
                          count(*) filter (where is_input) over (order by number) as input
                     from (
                       select type, number,
                              coalesce(f.proargmodes[number], 'i') in ('i', 'b', 'v') as is_input
                         from unnest(f.types) with ordinality as given(type, number)) as known) as arg))
             order by f.oid), '[]')
      from a_function f),
  'types', (
    select jsonb_agg(jsonb_build_object(
             'id', t.oid::bigint,
             'schema', n.nspname,
             'name', t.typname,
             -- Types such as point have elements and are no arrays.
             'element', case when e.typarray = t.oid then e.oid::bigint end,
             'row_of', nullif(t.typrelid, 0)::bigint,
             'labels', (
               select jsonb_agg(enumlabel order by enumsortorder)
                 from pg_enum
                where enumtypid = t.oid),
             'attributes', (
               select jsonb_agg(jsonb_build_object('name', attname, 'type', atttypid::bigint)
                                order by attnum)
                 from pg_attribute
                where attrelid = t.typrelid
                  and c.relkind = 'c'
                  and attnum > 0
                  and not attisdropped))
             order by t.oid)
      from pg_type t
      join pg_namespace n on n.oid = t.typnamespace
      left join pg_class c on c.oid = t.typrelid
      left join pg_type e on e.oid = t.typelem
     where (c.oid is null or c.relkind in ('c', 'r', 'v', 'm', 'p'))
       -- Hundreds of rows of the system's own, of which functions return few.
       and (n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
            or (t.typrelid = 0 and coalesce(e.typrelid, 0) = 0)
            or t.oid in (select prorettype from a_function))),
  'foreign_keys', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'name', conname,
             'relation', conrelid::bigint,
             'columns', conkey,
             'referenced', confrelid::bigint,
             'referenced_columns', confkey,
             'is_one_to_one', is_one_to_one)
             order by oid), '[]')
      from foreign_key),
  'origins', (
    select coalesce(jsonb_agg(jsonb_build_object(
             'view', t.view::bigint,
             'view_column', t.view_column,
             'relation', t.relation::bigint,
             'column', t.number)
             order by t.view, t.view_column), '[]')
      from traced t
      join key_column using (relation, number))) as result
