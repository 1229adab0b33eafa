-- What docs/schema.md shows, as one JSON document.

with tables as (
  select c.oid, c.relname::text as name,
         coalesce(p.area, 'Later migrations') as area, p.position
    from pg_class c
    left join (
      select area, table_name, ordinality as position
        from app_private.platform_tables() with ordinality
    ) as p on p.table_name = c.relname
   where c.relnamespace = 'public'::regnamespace and c.relkind = 'r'
), columns as (
  select t.oid,
         jsonb_agg(jsonb_build_object(
           'name', a.attname,
           'type', replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
           'note', concat_ws('; ',
             case when not a.attnotnull then 'optional' end,
             case when a.attgenerated <> '' then 'generated' end),
           'comment', col_description(t.oid, a.attnum)) order by a.attnum) as columns
    from tables t
    join pg_attribute a on a.attrelid = t.oid and a.attnum > 0 and not a.attisdropped
   group by t.oid
), "references" as (
  select c.conrelid as oid,
         jsonb_agg(jsonb_build_object(
           'columns', (select array_agg(attname order by position)
                         from unnest(c.conkey) with ordinality as key (number, position)
                         join pg_attribute on attrelid = c.conrelid and attnum = number),
           'target', replace(c.confrelid::regclass::text, 'public.', ''),
           'optional', exists (
             select from pg_attribute
              where attrelid = c.conrelid and attnum = any (c.conkey) and not attnotnull),
           'unique', exists (
             select from pg_index
              where indrelid = c.conrelid and indisunique and indpred is null
                and indkey::int2[] <@ c.conkey),
           'onDelete', case c.confdeltype
                         when 'c' then 'deleted with it' when 'n' then 'set to null' else '' end)
           order by c.conkey, c.conname) as "references"
    from pg_constraint c
   where c.contype = 'f' and c.connamespace = 'public'::regnamespace
   group by c.conrelid
)
select jsonb_build_object(
  'tables', (
    select jsonb_agg(jsonb_build_object(
             'area', area, 'name', name, 'comment', obj_description(t.oid, 'pg_class'),
             'key', (select array_agg(attname order by attnum)
                       from pg_constraint
                       join pg_attribute on attrelid = conrelid and attnum = any (conkey)
                      where conrelid = t.oid and contype = 'p'),
             'columns', columns.columns,
             'references', coalesce("references"."references", '[]'))
             order by position nulls last, name)
      from tables t
      join columns using (oid)
      left join "references" using (oid)),
  'domains', (
    select jsonb_agg(jsonb_build_object(
             'name', typname, 'detail', format_type(typbasetype, typtypmod),
             'comment', obj_description(oid, 'pg_type')) order by typname)
      from pg_type where typtype = 'd' and typnamespace = 'public'::regnamespace),
  'enums', (
    select jsonb_agg(jsonb_build_object(
             'name', typname,
             'detail', (select string_agg(enumlabel, ', ' order by enumsortorder)
                          from pg_enum where enumtypid = t.oid),
             'comment', null) order by typname)
      from pg_type t where typtype = 'e' and typnamespace = 'public'::regnamespace),
  'functions', (
    select jsonb_agg(jsonb_build_object(
             'name', format('%s(%s)', proname, replace(
                       pg_get_function_identity_arguments(oid),
                       'timestamp with time zone', 'timestamptz')),
             'detail', '',
             'comment', obj_description(oid, 'pg_proc')) order by proname)
      from pg_proc
     where pronamespace = 'public'::regnamespace
       and has_function_privilege('authenticated', oid, 'execute')
       and not exists (
         select from pg_depend
          where classid = 'pg_proc'::regclass and objid = pg_proc.oid and deptype = 'e'))
) as schema
