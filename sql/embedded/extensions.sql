-- The schema that hosted projects keep extensions in. It is on every search_path, so that
-- `uuid_generate_v4()` and `crypt()` are found unqualified. And the extensions of a new project.

create schema if not exists extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;
grant all on schema extensions to dashboard_user;
alter default privileges for role supabase_admin in schema extensions
  grant all on tables to postgres with grant option;
alter default privileges for role supabase_admin in schema extensions
  grant all on routines to postgres with grant option;

create schema if not exists vault;
grant usage on schema vault to postgres, service_role;

-- Made by postgres, who may drop them then, as supautils lets it; what is in them is a superuser's.
set role postgres;
create extension if not exists "uuid-ossp" with schema extensions;
create extension if not exists pgcrypto with schema extensions;
create extension if not exists pg_stat_statements with schema extensions;
create extension if not exists supabase_vault with schema vault;
reset role;

create schema if not exists pgbouncer authorization pgbouncer;
