-- The schema auth is Supabase's. As one of its owner (see auth.sql) postgres could alter its
-- tables and drop what is in it, which fails on the hosted platform, and so has to fail here.

create or replace function extensions.keep_managed_tables() returns event_trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  altered text;
begin
  if current_user = 'supabase_admin' then
    return;
  end if;
  if tg_event = 'sql_drop' then
    select d.object_identity
      into altered
      from pg_event_trigger_dropped_objects() d
     where d.schema_name = 'auth'
       and d.object_type in (
         'table', 'index', 'type', 'function', 'sequence', 'table column', 'table constraint'
       )
       -- What goes along with an object of the project's own, such as a foreign key, is its matter.
       and d.original
     limit 1;
  else
    select c.object_identity
      into altered
      from pg_event_trigger_ddl_commands() c
     where c.schema_name = 'auth'
       and c.command_tag in ('ALTER TABLE', 'ALTER FUNCTION', 'ALTER TYPE', 'CREATE INDEX')
     limit 1;
  end if;
  if altered is not null then
    raise insufficient_privilege using
      message = format('must be owner of %s', altered),
      hint = 'The schema auth is managed by Supabase.';
  end if;
end
$$;
revoke execute on function extensions.keep_managed_tables() from public, postgres;

do $$
begin
  if not exists (select from pg_event_trigger where evtname = 'keep_managed_tables_altered') then
    create event trigger keep_managed_tables_altered on ddl_command_end
      when tag in ('ALTER TABLE', 'ALTER FUNCTION', 'ALTER TYPE', 'CREATE INDEX')
      execute function extensions.keep_managed_tables();
    create event trigger keep_managed_tables_dropped on sql_drop
      execute function extensions.keep_managed_tables();
  end if;
end
$$;
