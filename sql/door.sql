-- The door is public.exec_sql. Closed means: of the roles that a request can have, only
-- service_role may call a function of that name, whatever its parameters are.
--
-- A request can have any role that authenticator can become, a project's own ones too. Whoever
-- can become service_role was let in on purpose; anon and authenticated never are.
create or replace function supamigrate.open_doors()
returns table (function_name text, role_name text)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
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
     order by 1, 2;
end
$function$;

-- exec_sql, and what show_door() has put beside it in other schemas. In PL/pgSQL, as are others that
-- are called for every migration: its plans are kept, those of SQL functions are made at each call.
create or replace function supamigrate.doors() returns setof pg_proc
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select *
      from pg_proc
     where proname = 'exec_sql'
       and (oid = to_regprocedure('public.exec_sql(text, jsonb)')
            or obj_description(oid, 'pg_proc') like 'supamigrate:%');
end
$function$;

-- What the door is made of: null where it is not there. By names and not by numbers, which a
-- restored dump does not keep.
create or replace function supamigrate.digest_door() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select md5(string_agg(concat_ws('|', nullif(pronamespace::regnamespace::text, 'public'), prosrc,
                                    prosecdef, proconfig, provolatile, pg_get_userbyid(proowner)),
                          '|' order by pronamespace::regnamespace::text))
      from supamigrate.doors()
     where to_regprocedure('public.exec_sql(text, jsonb)') is not null);
end
$function$;

-- For projects whose API does not show the schema public: puts an exec_sql into a schema that it
-- shows, which hands everything on to the one in public, and is for service_role alone as well.
--
-- call: schema.
create or replace function supamigrate.show_door(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  place constant text := quote_ident(call->>'schema');
  there constant regprocedure := to_regprocedure(place || '.exec_sql(text, jsonb)');
begin
  if to_regnamespace(place) is null then
    raise exception 'There is no schema %', place using errcode = 'invalid_schema_name';
  end if;
  if there is not null and not exists (select from supamigrate.doors() where oid = there) then
    raise exception '% is another''s', there using errcode = 'duplicate_function';
  end if;
  if place <> 'public' then
    execute format($sql$
      create or replace function %1$s.exec_sql(sql_query text, params jsonb default '{}'::jsonb)
      returns jsonb
      language sql volatile
      set search_path = pg_catalog, pg_temp
      set statement_timeout = 0
      as 'select public.exec_sql(sql_query, params)';
      comment on function %1$s.exec_sql(text, jsonb) is
        'supamigrate: hands on to public.exec_sql, for the service role, and for nobody else';
      revoke all on function %1$s.exec_sql(text, jsonb) from public, anon, authenticated;
      grant execute on function %1$s.exec_sql(text, jsonb) to service_role;
      grant usage on schema %1$s to service_role;
    $sql$, place);
    if not has_schema_privilege('service_role', to_regnamespace(place)::oid, 'usage') then
      raise exception 'service_role has no USAGE on schema %', place
        using errcode = 'insufficient_privilege', hint = 'Its owner can grant it.';
    end if;
    update supamigrate.installation set door = supamigrate.digest_door() where id = 1;
    notify pgrst, 'reload schema';
  end if;
  return jsonb_build_object('schema', call->>'schema');
end
$function$;

-- Why the API cannot call exec_sql as service_role: null where it can. A migration that takes that
-- way in from the tool is undone, as one is that drops the function.
create or replace function supamigrate.missing_way_in() returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  caller constant oid := to_regrole('service_role');
  login constant oid := to_regrole('authenticator');
  missing text[] := '{}';
  door record;
begin
  if caller is null then
    missing := missing || 'there is no role service_role'::text;
  else
    for door in select oid, pronamespace from supamigrate.doors() loop
      if not has_schema_privilege(caller, door.pronamespace, 'usage') then
        missing := missing || format('service_role has no USAGE on schema %s',
                                     door.pronamespace::regnamespace);
      end if;
      if not has_function_privilege(caller, door.oid, 'execute') then
        missing := missing || format('service_role may not execute %s', door.oid::regprocedure);
      end if;
    end loop;
    if not pg_has_role(login, caller, 'member') then
      missing := missing || 'authenticator is no member of service_role'::text;
    end if;
  end if;
  if not (select rolcanlogin from pg_roles where oid = login) then
    missing := missing || 'authenticator may not log in'::text;
  end if;
  return nullif(array_to_string(missing, ', '), '');
end
$function$;

-- A migration may open the door without meaning to ("grant execute on all functions in
-- schema public", as dumps do). The own door is closed again in the same transaction; a
-- second exec_sql that the migration leaves open, a door that is gone or another one, or that
-- service_role cannot come through any more, undoes it.
--
-- missing_before: what missing_way_in() said before the migration.
create or replace function supamigrate.guard_door(missing_before text) returns boolean
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  opened text;
  own_door regprocedure;
  callers text;
  missing text;
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
  missing := supamigrate.missing_way_in();
  if missing_before is null and missing is not null then
    raise exception 'The migration takes away what the API calls exec_sql with: %', missing
      using errcode = 'SM002',
            hint = 'Leave service_role and authenticator out of what the migration revokes, drops or alters.';
  end if;
  select string_agg(distinct role_name, ', ') into callers from supamigrate.open_doors();
  if callers is not null then
    for own_door in select oid from supamigrate.doors() loop
      execute format('revoke all on function %s from public, %s', own_door, callers);
    end loop;
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
