-- The functions, so that what calls them can be made. What they are given is not installed.

do $$
begin
  if to_regrole('pgtle_admin') is null then
    create role pgtle_admin;
  end if;
  if to_regnamespace('pgtle') is null then
    create schema pgtle;
  end if;
end
$$;

create function pgtle.install_extension(
  name text, version text, description text, ext text, requires text[] default null
) returns boolean
language sql
as 'select true';
create function pgtle.install_update_path(name text, fromvers text, tovers text, ext text)
returns boolean
language sql
as 'select true';
create function pgtle.set_default_version(name text, version text) returns boolean
language sql
as 'select true';
create function pgtle.uninstall_extension(extname text) returns boolean
language sql
as 'select true';
create function pgtle.uninstall_extension_if_exists(extname text) returns boolean
language sql
as 'select true';
create function pgtle.available_extensions(
  out name name, out default_version text, out comment text
) returns setof record
language sql
as $$
  select null::name, null::text, null::text where false
$$;

grant usage on schema pgtle to pgtle_admin, postgres with grant option;
grant execute on all functions in schema pgtle to pgtle_admin, postgres;
grant pgtle_admin to postgres;
