grant select on public.notes to anon;
grant usage on schema app to public;
