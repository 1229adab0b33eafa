-- The extensions of a new project, as far as the server has them. What a shadow on a server has of
-- the others is in supamigrate's own scripts.
create schema if not exists extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;
alter default privileges for role supabase_admin in schema extensions
  grant all on tables to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions
  grant all on routines to postgres with grant option;

create schema if not exists vault;
grant usage on schema vault to postgres, service_role;

do $block$
declare
  wanted record;
begin
  for wanted in
    select *
      from (values
        ('uuid-ossp', 'extensions'),
        ('pgcrypto', 'extensions'),
        ('pg_stat_statements', 'extensions'),
        ('supabase_vault', 'vault')
      ) as extensions (name, schema)
     where name in (select available.name from pg_available_extensions available)
  loop
    execute format('create extension if not exists %I with schema %I', wanted.name, wanted.schema);
  end loop;
end
$block$;

create schema if not exists pgbouncer authorization pgbouncer;
