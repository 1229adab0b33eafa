-- Event triggers fire for a migration as they do for psql.
--
-- supautils skips an event trigger whose function is SECURITY DEFINER and no superuser's where the
-- outer user of the session is reserved (2.9.2 and later), and service_role is. What a project made
-- itself to be safe, such as "automatic RLS" (public.rls_auto_enable with event trigger ensure_rls),
-- would be left out without a word. Functions that are SECURITY INVOKER fire, and inside of exec_sql
-- the invoker is its owner: for functions of that owner it comes to the same. So they are made
-- INVOKER around the statements of a migration, in its transaction, and DEFINER again at its end.

-- The functions of event triggers that are skipped where a call comes through the API.
create or replace function supamigrate.skipped_event_functions()
returns table (routine regprocedure, owner name)
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return query
    select p.oid::regprocedure, pg_get_userbyid(p.proowner)
      from pg_proc p
     where p.oid in (select evtfoid from pg_event_trigger where evtenabled <> 'D')
       and p.prosecdef
       and not (select rolsuper from pg_roles where oid = p.proowner);
end
$function$;

-- Event triggers have nothing to do with this going back and forth. Where the role may not tell
-- the server so, they see it.
create or replace function supamigrate.alter_event_functions(functions regprocedure[], security text)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  replication_role constant text := current_setting('session_replication_role');
  routine regprocedure;
begin
  begin
    set local session_replication_role = replica;
  exception when insufficient_privilege then
    null;
  end;
  foreach routine in array functions loop
    execute format('alter function %s security %s', routine, security);
  end loop;
  if current_setting('session_replication_role') <> replication_role then
    execute format('set local session_replication_role = %s', replication_role);
  end if;
end
$function$;

-- Has those functions fire that would be skipped, and returns which.
create or replace function supamigrate.expose_event_functions() returns regprocedure[]
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  skipped record;
  exposed regprocedure[] := '{}';
begin
  for skipped in select * from supamigrate.skipped_event_functions() loop
    if skipped.owner = current_user then
      exposed := exposed || skipped.routine;
    -- Only a library that is loaded has its settings in this view.
    elsif exists (select from pg_settings where name = 'supautils.log_skipped_evtrigs') then
      raise exception 'The event trigger function % of % does not fire for what comes through the API',
        skipped.routine, skipped.owner
        using errcode = 'SM002',
              hint = format('What it does must not be left out. Use --via direct or --via '
                'management; or make it SECURITY INVOKER, or a function of %I.', current_user);
    end if;
  end loop;
  if exposed <> '{}' then
    perform supamigrate.alter_event_functions(exposed, 'invoker');
  end if;
  return exposed;
end
$function$;

-- Puts back those that are still there.
create or replace function supamigrate.restore_event_functions(exposed regprocedure[]) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  left_exposed constant regprocedure[] := array(
    select oid::regprocedure from pg_proc where oid = any (exposed) and not prosecdef);
begin
  if left_exposed <> '{}' then
    perform supamigrate.alter_event_functions(left_exposed, 'definer');
  end if;
end
$function$;

-- After a statement that is neither CREATE nor ALTER FUNCTION: what is skipped now was made so in
-- the middle of it, and what it went on to do, it did without.
create or replace function supamigrate.refuse_hidden_event_triggers() returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  hidden text;
begin
  select string_agg(routine::text, ', ')
    into hidden
    from supamigrate.skipped_event_functions()
   where owner = current_user;
  if hidden is not null then
    raise exception 'The event trigger function % is made or altered inside of another statement', hidden
      using errcode = 'SM002',
            hint = 'Through the API it would not fire for what follows there. Write its CREATE '
              'FUNCTION, ALTER FUNCTION and CREATE EVENT TRIGGER as statements of their own, or use '
              '--via direct.';
  end if;
end
$function$;
