-- What would make every promise hollow. Looked at when a run takes the lock and after each
-- migration, in the same transaction; nothing goes on while one of these holds. `doctor` examines
-- far more, and says how to mend it.

create or replace function supamigrate.breaches() returns setof text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select 'public.exec_sql is not the function that was installed'
     where supamigrate.digest_door()
           is distinct from (select door from supamigrate.installation where id = 1)
    union all
    select format('the schema supamigrate is open to %s', string_agg(rolname, ', ' order by rolname))
      from pg_roles
     where rolname in ('anon', 'authenticated', 'service_role')
       and has_schema_privilege(oid, 'supamigrate', 'usage')
    having count(*) > 0
    union all
    select format('the schema supamigrate_backup is open to %s', string_agg(rolname, ', ' order by rolname))
      from pg_roles
     cross join pg_namespace n
     where n.nspname = 'supamigrate_backup'
       and rolname in ('anon', 'authenticated', 'service_role')
       and has_schema_privilege(pg_roles.oid, n.oid, 'usage')
    having count(*) > 0
    union all
    select 'the audit log can be changed'
     where (select count(*)
              from pg_trigger
             where tgrelid = 'supamigrate.migration_log'::regclass
               and tgenabled = 'A'
               and (tgname, tgfoid) in (
                 ('migration_log_is_append_only', 'supamigrate.refuse_log_change()'::regprocedure),
                 ('migration_log_is_chained', 'supamigrate.chain_entry()'::regprocedure))) <> 2
    union all
    select format('supamigrate.migration_lock has %s rows instead of one', count(*))
      from supamigrate.migration_lock
    having count(*) <> 1
    union all
    select format('the schema %I, in which migrations look first, belongs to %s',
                  n.nspname, pg_get_userbyid(n.nspowner))
      from pg_namespace n
      join pg_roles o on o.oid = n.nspowner
     where n.nspname = current_user
       and n.nspname <> o.rolname
       and not o.rolsuper
       -- What is escaped is a name.
       and supamigrate.default_search_path() ~ '(^|[^\\])\$user';
end
$function$;

create or replace function supamigrate.refuse_breaches(who text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  found_breaches text;
begin
  select string_agg(breach, '; ') into found_breaches from supamigrate.breaches() breach;
  if found_breaches is not null then
    raise exception '%: %', who, found_breaches
      using errcode = 'SM002', hint = 'Leave what is supamigrate''s own out of migrations.';
  end if;
end
$function$;

-- The query that says what the tracking schema has been through in this transaction, by what it is
-- made of: how many rows of each table were inserted, updated and deleted, the file, which TRUNCATE
-- replaces, and which transactions made the catalog's rows of its tables and functions. Costs
-- nothing however long the history is. As text, for run_migration to keep: a migration could put
-- another function in the place of one that it would call.
create or replace function supamigrate.records_query() returns text
language sql immutable
set search_path = pg_catalog, pg_temp
as $function$
  select $query$
    with relation as materialized (
      select oid, relname, relkind, xmin from pg_catalog.pg_class
       where relnamespace = 'supamigrate'::pg_catalog.regnamespace
    )
    select pg_catalog.jsonb_object_agg(name, stamp)
      from (
        select relname::pg_catalog.text, pg_catalog.jsonb_build_array(
                 pg_catalog.pg_relation_filenode(oid),
                 pg_catalog.pg_stat_get_xact_tuples_inserted(oid),
                 pg_catalog.pg_stat_get_xact_tuples_updated(oid),
                 pg_catalog.pg_stat_get_xact_tuples_deleted(oid))
          from relation where relkind = 'r'
        union all
        select 'the definitions of its tables', pg_catalog.jsonb_agg(made order by made)
          from (select xmin::pg_catalog.text from relation
                union all
                select xmin::pg_catalog.text from pg_catalog.pg_namespace where nspname = 'supamigrate'
                union all
                select a.xmin::pg_catalog.text from pg_catalog.pg_attribute a join relation r on r.oid = a.attrelid
                union all
                select d.xmin::pg_catalog.text from pg_catalog.pg_attrdef d join relation r on r.oid = d.adrelid
                union all
                select c.xmin::pg_catalog.text from pg_catalog.pg_constraint c join relation r on r.oid = c.conrelid
                union all
                select t.xmin::pg_catalog.text from pg_catalog.pg_trigger t join relation r on r.oid = t.tgrelid
                union all
                select w.xmin::pg_catalog.text from pg_catalog.pg_rewrite w join relation r on r.oid = w.ev_class
                union all
                select p.xmin::pg_catalog.text from pg_catalog.pg_policy p join relation r on r.oid = p.polrelid
                union all
                select i.xmin::pg_catalog.text from pg_catalog.pg_inherits i join relation r on r.oid = i.inhparent
               ) definitions (made)
        union all
        select 'the functions of its schema', pg_catalog.jsonb_agg(xmin::pg_catalog.text order by oid)
          from pg_catalog.pg_proc
         where pronamespace = 'supamigrate'::pg_catalog.regnamespace
      ) part (name, stamp)
  $query$
$function$;
