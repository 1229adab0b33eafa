-- What is the same under another name: what can be renamed, by its kind and its name as a person writes
-- it, and what PostgreSQL knows it by. With it a column that was renamed is told from one that was
-- dropped and another that was made.
with space as (
  select oid, nspname as name
    from pg_namespace
   where nspname !~ '^pg_' and nspname <> 'information_schema'
), relation as (
  select c.oid, c.relkind, concat_ws('.', s.name, c.relname) as name
    from pg_class c
    join space s on s.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'S', 'c')
), type as (
  select t.oid, t.typtype, concat_ws('.', s.name, t.typname) as name
    from pg_type t
    join space s on s.oid = t.typnamespace
    left join pg_class c on c.oid = t.typrelid
   where t.typtype in ('e', 'r', 'd') or c.relkind = 'c'
)
select 'schema' as kind, name, oid::text as identity
  from space
union all
select case relkind when 'S' then 'sequence' else 'table' end, name, oid::text
  from relation
 where relkind <> 'c'
union all
select case relkind when 'c' then 'attribute' else 'column' end, concat_ws('.', name, attname),
       concat_ws(' ', r.oid, attnum)
  from relation r
  join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
 where relkind <> 'S'
union all
select case typtype when 'd' then 'domain' else 'type' end, name, oid::text
  from type
union all
select 'value', concat_ws('.', name, enumlabel), e.oid::text
  from type t
  join pg_enum e on e.enumtypid = t.oid
union all
select 'collation', concat_ws('.', s.name, collname), c.oid::text
  from pg_collation c
  join space s on s.oid = c.collnamespace
