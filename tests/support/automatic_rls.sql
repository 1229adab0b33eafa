-- "Automatic RLS" of a project: what Supabase has postgres run where it is asked for. Run by
-- supabase_admin: on hosted projects supautils lets postgres make event triggers, and leaves them to
-- postgres.

create function public.rls_auto_enable() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
  made record;
begin
  for made in
    select schema_name, object_identity from pg_event_trigger_ddl_commands()
     where object_type in ('table', 'partitioned table')
  loop
    if made.schema_name = 'public' then
      execute format('alter table if exists %s enable row level security', made.object_identity);
    end if;
  end loop;
end
$$;
alter function public.rls_auto_enable() owner to postgres;
-- What postgres makes in public is granted to these, this function as well.
grant execute on function public.rls_auto_enable() to anon, authenticated, service_role;

create event trigger ensure_rls on ddl_command_end
  when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
  execute function public.rls_auto_enable();

-- Only a superuser's can be an event trigger when it is given away. In one transaction nobody sees
-- that postgres was one.
begin;
alter role postgres superuser;
alter event trigger ensure_rls owner to postgres;
alter role postgres nosuperuser;
commit;
