-- The roles of a Supabase project. initdb made supabase_admin, the one superuser;
-- `postgres`, who owns what migrations create, is none, just as on the hosted platform:
-- what it may not do there fails here too.

create role anon nologin;
create role authenticated nologin;
create role service_role nologin bypassrls;

-- The role of the REST API's connection. It has no rights but to become one of the three.
create role authenticator login noinherit;
grant anon, authenticated, service_role to authenticator;

create role postgres login createdb createrole replication bypassrls;
grant anon, authenticated, service_role to postgres with admin option;
grant pg_monitor, pg_read_all_data, pg_signal_backend to postgres;

create role supabase_auth_admin login noinherit createrole;
create role supabase_storage_admin login noinherit createrole;
create role dashboard_user nologin createdb createrole replication;

-- The owner of the database owns schema public, through pg_database_owner.
alter database postgres owner to postgres;
grant usage on schema public to anon, authenticated, service_role;

-- Functions in public are granted to the API's roles by name, so that a
-- `revoke … from public` alone closes nothing. Tables get no grants: that ended on
-- 30 October 2026.
alter default privileges for role postgres in schema public
  grant execute on functions to anon, authenticated, service_role;
