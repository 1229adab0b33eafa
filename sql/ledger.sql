-- The Supabase CLI's own history, supabase_migrations.schema_migrations, kept in step with this one:
-- written in the transaction of the history row, so that the two cannot come apart. Which migrations
-- take part, and under which version, the client says.
--
-- ledger, of a migration or of a call:
--
--   version, name   what to record, where something is
--   statements      with it: a list of texts, or null to leave them out; without it, those of the call
--   remove          versions to take out
--   create          whether to make the table where there is none, as the CLI makes it

-- The names are looked up in the catalog: to_regclass fails where the schema may not be used.
create or replace function supamigrate.find_ledger() returns oid
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
begin
  return (
    select c.oid
      from pg_class c
      join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = 'supabase_migrations' and c.relname = 'schema_migrations');
end
$function$;

-- Whose code would run with the rights of this role if it wrote to a table: what belongs to a table
-- runs as whoever writes to it. The role that owns the tracking schema and superusers could do all of
-- that anyway. Null where nobody else's would.
create or replace function supamigrate.find_stranger(target oid) returns text
language sql stable
set search_path = pg_catalog, pg_temp
as $function$
  with trusted as (
    select oid from pg_roles
     where rolsuper or rolname = current_user
        or oid = (select nspowner from pg_namespace where nspname = 'supamigrate')
  )
  select format('%s belongs to %I, who could run anything as %I in it',
                c.oid::regclass, pg_get_userbyid(c.relowner), current_user)
    from pg_class c
   where c.oid = target and c.relowner not in (select oid from trusted)
  union all
  (select format('the trigger %I on %s runs a function of %I as %I',
                 t.tgname, target::regclass, pg_get_userbyid(p.proowner), current_user)
     from pg_trigger t
     join pg_proc p on p.oid = t.tgfoid
    where t.tgrelid = target and not t.tgisinternal and not p.prosecdef
      and p.proowner not in (select oid from trusted))
  limit 1
$function$;

-- exists, problem (what keeps this role from writing it, or null) and versions as {version: name}.
create or replace function supamigrate.describe_ledger() returns jsonb
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $function$
declare
  ledger constant oid := supamigrate.find_ledger();
  denied text;
  problem text;
  versions jsonb := '{}';
begin
  if ledger is null then
    return jsonb_build_object('exists', false, 'versions', versions, 'problem', (
      select case
        when schema_id is null and not has_database_privilege(current_database(), 'create')
          then format('%I may not create the schema supabase_migrations', current_user)
        when schema_id is not null and not has_schema_privilege(schema_id, 'create, usage')
          then format('%I may not create tables in the schema supabase_migrations', current_user)
        end
        from (select (select oid from pg_namespace where nspname = 'supabase_migrations')) found (schema_id)));
  end if;

  select string_agg(privilege, ', ') into denied
    from unnest(array['select', 'insert', 'update', 'delete']) privilege
   where not has_table_privilege(ledger, privilege);
  problem := case
    when not has_schema_privilege('supabase_migrations', 'usage') then
      format('%I may not use the schema supabase_migrations', current_user)
    when denied is not null then
      format('%I has no right to %s on supabase_migrations.schema_migrations, which belongs to %I',
             current_user, denied, (select pg_get_userbyid(relowner) from pg_class where oid = ledger))
    when row_security_active(ledger) then
      format('row level security keeps %I from rows of supabase_migrations.schema_migrations', current_user)
    else supamigrate.find_stranger(ledger)
  end;
  if problem is null then
    -- The oldest CLIs have no column for the name.
    select coalesce(jsonb_object_agg(entry.version, coalesce(to_jsonb(entry)->>'name', '')), '{}')
      into versions
      from supabase_migrations.schema_migrations entry;
  end if;
  return jsonb_build_object('exists', true, 'versions', versions, 'problem', problem);
end
$function$;

create or replace function supamigrate.refuse_stranger(target oid) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  problem constant text := supamigrate.find_stranger(target);
begin
  if problem is not null then
    raise exception 'Cannot keep the Supabase CLI''s records in step: %', problem
      using errcode = 'SM002', hint = 'Mend that in the SQL editor.';
  end if;
end
$function$;

-- Writes what a migration's ledger says, or that of a call; nothing where it says nothing.
create or replace function supamigrate.write_ledger(holder jsonb) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  entry constant jsonb := holder->'ledger';
  ledger oid := supamigrate.find_ledger();
begin
  if entry is null then
    return;
  end if;
  if ledger is null and (entry->>'create')::boolean then
    if not exists (select from pg_namespace where nspname = 'supabase_migrations') then
      create schema supabase_migrations;
    end if;
    create table supabase_migrations.schema_migrations (version text not null primary key);
    ledger := supamigrate.find_ledger();
  end if;
  -- It may be gone since the client has seen it: there is nothing to keep in step with any more.
  if ledger is null then
    return;
  end if;
  perform supamigrate.refuse_stranger(ledger);

  delete from supabase_migrations.schema_migrations
   where version in (select jsonb_array_elements_text(entry->'remove'));
  if not entry ? 'version' then
    return;
  end if;
  -- As the CLI does: older ones made the table without these.
  if (select count(*) from pg_attribute
       where attrelid = ledger and attname in ('name', 'statements') and not attisdropped) < 2 then
    alter table supabase_migrations.schema_migrations
      add column if not exists statements text[],
      add column if not exists name text;
  end if;
  insert into supabase_migrations.schema_migrations (version, name, statements)
  values (entry->>'version', entry->>'name', case
    when entry->'statements' = 'null' then null
    when entry ? 'statements' then array(
      select text
        from jsonb_array_elements_text(entry->'statements') with ordinality as list (text, position)
       order by position)
    else array(
      select item->>1
        from jsonb_array_elements(holder->'statements') with ordinality as list (item, position)
       order by position)
  end)
  on conflict (version) do update
     set name = excluded.name, statements = excluded.statements;
end
$function$;

-- call: migrations with ledger. Records in the CLI's ledger what is applied and not in it; the history
-- stays as it is.
create or replace function supamigrate.repair_ledger(call jsonb) returns jsonb
language plpgsql
set search_path = pg_catalog, pg_temp
as $function$
declare
  migration jsonb;
begin
  for migration in select item from jsonb_array_elements(call->'migrations') as list (item) loop
    perform supamigrate.write_ledger(migration);
  end loop;
  perform supamigrate.write_log(call, 'repair ledger', 'ok', details => jsonb_build_object(
    'recorded', (select coalesce(jsonb_agg(item->'ledger'->'version'), '[]')
                   from jsonb_array_elements(call->'migrations') as list (item))));
  return '{}'::jsonb;
end
$function$;
