-- The buckets of Storage, as sql/schema_extras.sql has the rest: they are rows, and a project does not
-- work without them. Versions of Storage differ in the columns: all are read, but for who made a bucket
-- and when. What is as the column has it by default is left out, so that a project whose Storage is
-- newer does not differ in what nobody has said.
with bucket as (
  select b.id, to_jsonb(b) - '{owner, owner_id, created_at, updated_at}'::text[] as row
    from storage.buckets b
), setting as (
  select bucket.id, e.key, e.value,
         case jsonb_typeof(e.value)
           when 'null' then 'NULL'
           when 'array' then
             quote_literal(array(select jsonb_array_elements_text(e.value))::text)
           else quote_literal(e.value #>> '{}')
         end as literal,
         e.value = 'null'
           or split_part(pg_get_expr(d.adbin, d.adrelid), '::', 1)
              in (e.value #>> '{}', quote_literal(e.value #>> '{}')) as by_default
    from bucket
   cross join jsonb_each(bucket.row) e
    join pg_attribute a on a.attrelid = 'storage.buckets'::regclass and a.attname = e.key
    left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
), written as (
  -- What every Storage has that is not very old is said in any case, so that a change can take it back.
  select id,
         string_agg(format('%s %s', key, value), ' ' order by length(key), key)
           filter (where by_default is not true) as definition,
         string_agg(quote_ident(key), ', ' order by length(key), key) filter (where is_said) as columns,
         string_agg(literal, ', ' order by length(key), key) filter (where is_said) as literals,
         string_agg(format('%1$I = excluded.%1$I', key), ', ' order by length(key), key)
           filter (where is_said and key <> 'id') as updates
    from setting
   cross join lateral (
     select by_default is not true
            or key in ('public', 'file_size_limit', 'allowed_mime_types') as is_said
   ) said
   group by id
)
select 'bucket' as kind, 'storage' as schema, quote_ident(id) as name, definition,
       format('insert into storage.buckets (%s) values (%s) on conflict (id) do update set %s;',
              columns, literals, updates) as create,
       -- Storage refuses it otherwise: what lies in a bucket would be left behind.
       format(E'set local storage.allow_delete_query = true;\ndelete from storage.buckets where id = %L;',
              id) as drop
  from written
