grant select, insert on public.notes to anon;
grant all on public.notes to service_role;
