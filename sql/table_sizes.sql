-- How large tables are, which are given as {"tables": [{"schema", "name"}, …]}. A partitioned table is
-- as large as its partitions. The count of rows is the planner's, null where it has none.
select item->>'schema' as schema,
       item->>'name' as name,
       (select sum(nullif(p.reltuples, -1))::bigint
          from pg_class p
         where p.oid = any (parts.oids)) as rows,
       coalesce((select sum(pg_table_size(oid)) from unnest(parts.oids) oid), 0)::bigint as bytes,
       coalesce((select sum(pg_indexes_size(oid)) from unnest(parts.oids) oid), 0)::bigint
         as index_bytes
  from jsonb_array_elements($1->'tables') item
  join pg_namespace n on n.nspname = item->>'schema'
  join pg_class c on c.relnamespace = n.oid
                 and c.relname = item->>'name'
                 and c.relkind in ('r', 'p', 'm')
 cross join lateral (
   select case c.relkind
            when 'p' then array(select relid::oid from pg_partition_tree(c.oid) where isleaf)
            else array[c.oid]
          end as oids
 ) parts
