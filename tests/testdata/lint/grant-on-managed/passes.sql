grant select on public.users to authenticated;
grant select on auth.users to service_role;
