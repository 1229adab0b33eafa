-- Notes on a shadow what statements do to the tables that are there: begin() stands at the head of a
-- transaction, and note(n) behind its statement n.

create schema if not exists supamigrate_shadow;

-- What there is before the first of the migrations, which a live project has under the same name, and
-- how it was when it was looked at last.
create table supamigrate_shadow.known as
select c.oid, n.nspname as schema, c.relname as name, c.relkind as kind,
       c.relfilenode as file, '{}'::oid[] as indexes, 0::bigint as scans, '{}'::text[] as locks
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'm', 'f', 'v')
   and c.relpersistence <> 't'
   and n.nspname !~ '^(pg_|supamigrate)'
   and n.nspname <> 'information_schema';

-- What a statement has added to that. The locks are JSON, as arrays are plain text to some ways to a
-- database.
create table supamigrate_shadow.seen (
  statement integer, schema text, name text, kind text,
  locks jsonb, rewritten boolean, scanned boolean, indexes integer
);

create view supamigrate_shadow.now as
select known.oid, c.relfilenode as file,
       -- What an earlier transaction has done may be among it: only what is added counts.
       coalesce(pg_catalog.pg_stat_get_xact_numscans(known.oid), 0) as scans,
       array(select i.relfilenode
               from pg_catalog.pg_index x
               join pg_catalog.pg_class i on i.oid = x.indexrelid
              where x.indrelid = known.oid) as indexes,
       array(select l.mode
               from pg_catalog.pg_locks l
              where l.locktype = 'relation'
                and l.relation = known.oid
                and l.granted
                and l.pid = pg_catalog.pg_backend_pid()) as locks
  from supamigrate_shadow.known
  left join pg_catalog.pg_class c on c.oid = known.oid;

create function supamigrate_shadow.begin() returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  update supamigrate_shadow.known
     set file = now.file, indexes = now.indexes, scans = now.scans, locks = now.locks
    from supamigrate_shadow.now
   where now.oid = known.oid
$function$;

create function supamigrate_shadow.note(statement integer) returns void
language sql
set search_path = pg_catalog, pg_temp
as $function$
  with now as materialized (
    -- Without a lock nothing is done to a table.
    select * from supamigrate_shadow.now where locks <> '{}'
  ), noted as (
    insert into supamigrate_shadow.seen
    select statement, known.schema, known.name, known.kind,
           to_jsonb(array(select unnest(now.locks) except select unnest(known.locks))),
           coalesce(now.file <> known.file, false),
           now.scans > known.scans,
           cardinality(array(select unnest(now.indexes) except select unnest(known.indexes)))
      from now
      join supamigrate_shadow.known on known.oid = now.oid
     where not (now.locks <@ known.locks and now.scans <= known.scans
                and now.indexes <@ known.indexes and coalesce(now.file = known.file, true))
  )
  update supamigrate_shadow.known
     set file = now.file, indexes = now.indexes, scans = now.scans, locks = now.locks
    from now
   where now.oid = known.oid
$function$;
