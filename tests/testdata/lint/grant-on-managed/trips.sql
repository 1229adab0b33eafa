grant select on auth.users to authenticated;
