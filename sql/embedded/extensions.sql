-- The schema that hosted projects keep extensions in. It is on every search_path, so that
-- `uuid_generate_v4()` and `crypt()` are found unqualified.

create schema extensions authorization postgres;
grant usage on schema extensions to anon, authenticated, service_role;

create extension "uuid-ossp" with schema extensions;
create extension pgcrypto with schema extensions;
