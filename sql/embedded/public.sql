-- Who may do what in schema public, in a new database. From then on that is the project's matter.

grant usage on schema public to postgres, anon, authenticated, service_role;

-- Functions in public are granted to the API's roles by name, so that a
-- `revoke … from public` alone closes nothing. Tables get no grants: that ended on
-- 30 October 2026.
alter default privileges for role postgres in schema public
  grant execute on functions to anon, authenticated, service_role;
