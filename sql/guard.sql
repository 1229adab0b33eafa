-- What would make every promise hollow. Looked at when a run takes the lock and after each
-- migration, in the same transaction; nothing goes on while one of these holds. `doctor` examines
-- far more, and says how to mend it.

create or replace function supamigrate.breaches() returns setof text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
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
