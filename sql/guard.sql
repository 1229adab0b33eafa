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

-- What the rows of the tracking schema have been through in this transaction: how many of each table
-- were inserted, updated and deleted, and its file, which TRUNCATE replaces. Costs nothing however long
-- the history is, and however many tables there are.
create or replace function supamigrate.count_changes() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select jsonb_object_agg(name, jsonb_build_array(
             pg_relation_filenode(relation),
             pg_stat_get_xact_tuples_inserted(relation),
             pg_stat_get_xact_tuples_updated(relation),
             pg_stat_get_xact_tuples_deleted(relation)))
      from unnest(array['installation', 'migration_history', 'migration_lock', 'migration_log', 'operation',
                        'safety_copy', 'schema_at_rest', 'seed_file', 'staged_part']) name
     cross join to_regclass('supamigrate.' || name) relation);
end
$function$;

-- How many functions were made, altered and dropped in this transaction, where the server counts that:
-- while it stays the same, none of the tool's own can have been replaced.
create or replace function supamigrate.count_function_changes() returns text
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  return concat(
    current_setting('track_counts'), pg_stat_get_xact_tuples_inserted('pg_proc'::regclass), ' ',
    pg_stat_get_xact_tuples_updated('pg_proc'::regclass), ' ',
    pg_stat_get_xact_tuples_deleted('pg_proc'::regclass));
end
$function$;

-- What is looked at before migrations, to be compared after them: which transactions made the
-- catalog's rows of the tracking schema's tables and functions, and what the API lacks already.
create or replace function supamigrate.look_before() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  return jsonb_build_object(
    'definitions', supamigrate.read_definitions(),
    'functions', (
      select string_agg(concat(f.oid, ' ', f.xmin), ',' order by f.oid)
        from pg_depend d
        join pg_proc f on f.oid = d.objid
       where d.refclassid = 'pg_namespace'::regclass and d.refobjid = 'supamigrate'::regnamespace
         and d.classid = 'pg_proc'::regclass),
    'missing', supamigrate.missing_way_in());
end
$function$;

create or replace function supamigrate.read_definitions() returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  -- By way of the dependencies, which have an index: a schema of thousands of tables costs no more.
  tables constant oid[] := array(
    select objid
      from pg_depend
     where refclassid = 'pg_namespace'::regclass and refobjid = 'supamigrate'::regnamespace
       and classid = 'pg_class'::regclass);
  indexes constant oid[] := array(select indexrelid from pg_index where indrelid = any (tables));
begin
  return (
    select to_jsonb(concat(count(*), ' ', sum(hashtextextended(made, 0)))) -- no order is needed
      from (select xmin::text from pg_namespace where nspname = 'supamigrate'
            union all
            select xmin::text from pg_class where oid = any (tables || indexes)
            union all
            select xmin::text from pg_attribute where attrelid = any (tables || indexes)
            union all
            select xmin::text from pg_attrdef where adrelid = any (tables)
            union all
            select xmin::text from pg_constraint where conrelid = any (tables)
            union all
            select xmin::text from pg_trigger where tgrelid = any (tables)
            union all
            select xmin::text from pg_rewrite where ev_class = any (tables)
            union all
            select xmin::text from pg_policy where polrelid = any (tables)
            union all
            select xmin::text from pg_inherits where inhparent = any (tables)
           ) definitions (made));
end
$function$;

-- Looks at what migrations leave, and says whether they had opened the door, which is closed again.
--
-- before: what look_before() said.
create or replace function supamigrate.look_after(before jsonb) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  closed_door constant boolean := supamigrate.guard_door(before->>'missing');
begin
  perform supamigrate.refuse_breaches('The migration leaves supamigrate unsafe to use');
  if supamigrate.read_definitions() <> before->'definitions' then
    perform supamigrate.refuse_forgery('the definitions of its tables');
  end if;
  return closed_door;
end
$function$;

create or replace function supamigrate.refuse_forgery(what text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
begin
  raise exception 'The migration changes what is recorded of migrations, in the schema supamigrate: %', what
    using errcode = 'SM002',
          hint = 'Leave that schema alone: repair mends the history, and says so in the log.';
end
$function$;
