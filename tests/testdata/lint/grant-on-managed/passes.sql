grant select on public.users to authenticated;
grant select on auth.users to service_role;

-- They have it: auth.uid() needs it.
grant usage on schema auth to authenticated;
grant usage on schema vault to service_role;
