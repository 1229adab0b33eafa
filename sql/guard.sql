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

-- What the rows of the tracking tables have been through in this transaction, by table: how many
-- were inserted, updated and deleted, and the file, which TRUNCATE replaces. Costs nothing however
-- long the history is.
create or replace function supamigrate.stamp_records() returns jsonb
language sql
set search_path = pg_catalog, pg_temp
as $function$
  select jsonb_object_agg(relname, jsonb_build_array(
           pg_relation_filenode(oid),
           pg_stat_get_xact_tuples_inserted(oid),
           pg_stat_get_xact_tuples_updated(oid),
           pg_stat_get_xact_tuples_deleted(oid)))
    from pg_class
   where relnamespace = 'supamigrate'::regnamespace and relkind = 'r'
$function$;

-- A migration has no business in the records, whichever way it gets there.
create or replace function supamigrate.refuse_changed_records(before jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  changed text;
begin
  select string_agg('supamigrate.' || quote_ident(key), ', ' order by key)
    into changed
    from jsonb_each(before) earlier
    full join jsonb_each(supamigrate.stamp_records()) later using (key)
   where earlier.value is distinct from later.value;
  -- Where the server counts nothing, the log has to vouch for the history.
  if changed is null and not current_setting('track_counts')::boolean and exists (
       select
         from supamigrate.migration_history known
         full join supamigrate.logged_state() logged using (migration_name)
        where known.applied_checksum is distinct from logged.applied_checksum) then
    changed := 'supamigrate.migration_history';
  end if;
  if changed is not null then
    raise exception 'The migration changes what is recorded of migrations, in %', changed
      using errcode = 'SM002',
            hint = 'Leave those tables alone: repair mends the history, and says so in the log.';
  end if;
end
$function$;
