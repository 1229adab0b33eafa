-- The door is public.exec_sql. Closed means: of the roles that a request can have, only
-- service_role may call a function of that name, whatever its parameters are.
--
-- A request can have any role that authenticator can become, a project's own ones too. Whoever
-- can become service_role was let in on purpose; anon and authenticated never are.
create or replace function supamigrate.open_doors()
returns table (function_name text, role_name text)
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)),
         quote_ident(r.rolname)
    from pg_proc p
    join pg_namespace n on n.oid = p.pronamespace
   cross join pg_roles r
   where p.proname = 'exec_sql'
     and (r.rolname in ('anon', 'authenticated')
          or not pg_has_role(r.oid, 'service_role', 'member')
             and exists (
               select from pg_roles a
                where a.rolname = 'authenticator' and pg_has_role(a.oid, r.oid, 'member')))
     and has_schema_privilege(r.oid, n.oid, 'usage')
     and has_function_privilege(r.oid, p.oid, 'execute')
   order by 1, 2
$function$;

-- What the door is made of: null where it is not there.
create or replace function supamigrate.digest_door() returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  select md5(concat_ws('|', prosrc, prosecdef, proconfig, provolatile, proowner))
    from pg_proc
   where oid = to_regprocedure('public.exec_sql(text, jsonb)')
$function$;

-- A migration may open the door without meaning to ("grant execute on all functions in
-- schema public", as dumps do). The own door is closed again in the same transaction; a
-- second exec_sql that the migration leaves open, or a door that is gone or another one, undoes
-- it.
create or replace function supamigrate.guard_door() returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  opened text;
  callers text;
  closed_again boolean := false;
begin
  if supamigrate.digest_door() is null then
    raise exception 'The migration removes public.exec_sql(text, jsonb), through which migrations run'
      using errcode = 'SM002', hint = 'Leave that function out of what the migration drops.';
  end if;
  if supamigrate.digest_door() <> (select door from supamigrate.installation where id = 1) then
    raise exception 'The migration changes public.exec_sql(text, jsonb), through which migrations run'
      using errcode = 'SM002', hint = 'Leave that function out of the migration: install manages it.';
  end if;
  select string_agg(distinct role_name, ', ') into callers from supamigrate.open_doors();
  if callers is not null then
    execute format('revoke all on function public.exec_sql(text, jsonb) from public, %s', callers);
    closed_again := true;
    select string_agg(format('%s by %s', function_name, role_name), ', ')
      into opened
      from supamigrate.open_doors();
    if opened is not null then
      raise exception 'The migration leaves a function callable that runs any SQL: %', opened
        using errcode = 'SM002',
              hint = 'Add REVOKE EXECUTE ON FUNCTION … FROM public and those roles to the migration.';
    end if;
  end if;
  return closed_again;
end
$function$;
