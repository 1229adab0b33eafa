-- The tables that rows can be made in: those of the application, and those that their foreign keys lead
-- to. Columns that the server fills by itself are left out. Given are the platform's schemas.
with application as (
  select c.oid
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p')
     and not c.relispartition
     and c.relpersistence <> 't'
     and not (n.nspname = any (array(select jsonb_array_elements_text($1->'platform'))))
     and n.nspname !~ '^pg_'
     and not exists (
       select from pg_depend d
        where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')
), listed as (
  select oid, true as is_own from application
   union
  select confrelid, false from pg_constraint
   where contype = 'f' and conrelid in (select oid from application)
     and confrelid not in (select oid from application)
)
select listed.oid::regclass::text as table,
       is_own,
       coalesce((
         select jsonb_agg(jsonb_build_object(
                  'name', a.attname,
                  'type', format_type(a.atttypid, a.atttypmod),
                  'base', format_type(coalesce(nullif(t.typbasetype, 0), t.oid), null),
                  'kind', case when exists (select from pg_enum where enumtypid = t.oid) then 'e'
                               else t.typtype end,
                  'category', t.typcategory,
                  'length', case when a.atttypmod > 4 then a.atttypmod - 4 end,
                  'is_optional', not a.attnotnull,
                  'has_default', a.atthasdef,
                  'labels', (select jsonb_agg(enumlabel order by enumsortorder)
                               from pg_enum
                              where enumtypid in (t.oid, t.typbasetype)),
                  'checks', coalesce((
                    select jsonb_agg(pg_get_expr(k.conbin, k.conrelid))
                      from pg_constraint k
                     where k.conrelid = listed.oid and k.contype = 'c'
                       and k.conkey = array[a.attnum]), '[]'),
                  'domain_checks', coalesce((
                    select jsonb_agg(pg_get_constraintdef(k.oid))
                      from pg_constraint k
                     where k.contypid = t.oid and k.contype = 'c'), '[]'))
                order by a.attnum)
           from pg_attribute a join pg_type t on t.oid = a.atttypid
          where a.attrelid = listed.oid and a.attnum > 0 and not a.attisdropped
            and a.attidentity = '' and a.attgenerated = ''), '[]') as columns,
       coalesce((
         select jsonb_agg(jsonb_build_object(
                  'table', k.confrelid::regclass::text,
                  'is_optional', (
                    select bool_or(not a.attnotnull)
                      from pg_attribute a
                     where a.attrelid = k.conrelid and a.attnum = any (k.conkey)),
                  'columns', (
                    select jsonb_agg(a.attname order by position)
                      from unnest(k.conkey) with ordinality as key (number, position)
                      join pg_attribute a on a.attrelid = k.conrelid and a.attnum = number),
                  'referenced', (
                    select jsonb_agg(a.attname order by position)
                      from unnest(k.confkey) with ordinality as key (number, position)
                      join pg_attribute a on a.attrelid = k.confrelid and a.attnum = number))
                order by k.conname)
           from pg_constraint k
          where k.conrelid = listed.oid and k.contype = 'f' and k.conparentid = 0), '[]') as keys
  from listed
 order by 1
