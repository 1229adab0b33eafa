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

-- How those functions stand that a migration finds as SECURITY INVOKER: by their numbers, where their
-- row is, what they do and who may call them.
create or replace function supamigrate.describe_event_functions(functions oid[]) returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select coalesce(jsonb_object_agg(oid, jsonb_build_object(
             'row', ctid::text, 'body', md5(prosrc), 'privileges', proacl::text)), '{}')
      from pg_proc
     where oid = any (functions) and not prosecdef);
end
$function$;

-- Has those functions fire that would be skipped, and returns how they stand then.
create or replace function supamigrate.expose_event_functions() returns jsonb
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
  if exposed = '{}' then
    return '{}'::jsonb;
  end if;
  perform supamigrate.alter_event_functions(exposed, 'invoker');
  return supamigrate.describe_event_functions(exposed::oid[]);
end
$function$;

-- Puts back those that are still there.
create or replace function supamigrate.restore_event_functions(exposed jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  left_exposed constant regprocedure[] := array(
    select p.oid::regprocedure
      from jsonb_object_keys(exposed) number
      join pg_proc p on p.oid = number::oid and not p.prosecdef);
begin
  if left_exposed <> '{}' then
    perform supamigrate.alter_event_functions(left_exposed, 'definer');
  end if;
end
$function$;

-- After a statement that is neither CREATE nor ALTER FUNCTION: which functions are to be put back
-- now, and how they stand. What it made of them inside of a block stays where that can be told: a
-- function that was replaced, or that the text makes SECURITY INVOKER, is what the migration says.
-- GRANT and REVOKE write the function's row too, and say nothing of that.
create or replace function supamigrate.follow_statement(exposed jsonb, statement text) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  now_exposed jsonb;
  number text;
  before jsonb;
  after jsonb;
begin
  perform supamigrate.refuse_hidden_event_triggers();
  if exposed = '{}' then
    return exposed;
  end if;
  now_exposed := supamigrate.describe_event_functions(array(
    select key::oid from jsonb_object_keys(exposed) key));
  if now_exposed = exposed then
    return exposed;
  end if;
  for number, before in select key, value from jsonb_each(exposed) loop
    after := now_exposed->number;
    if after->'row' = before->'row' then
      null;
    elsif after->'body' <> before->'body'
          or statement ~* '\msecurity\s+invoker\M|\mcreate\s+or\s+replace\s+function\M' then
      now_exposed := now_exposed - number;
    elsif after->'privileges' is not distinct from before->'privileges'
          and statement !~* '\m(grant|revoke)\M' then
      raise exception 'The event trigger function % is altered inside of another statement',
        number::regprocedure
        using errcode = 'SM002',
              hint = 'Through the API its rights differ while a migration runs, and what is to become '
                'of them cannot be told. Write its ALTER FUNCTION as a statement of its own, or use '
                '--via direct.';
    end if;
  end loop;
  return now_exposed;
end
$function$;

-- What is skipped now was made so in the middle of a statement, and what that went on to do, it did
-- without.
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
