grant select on public.notes to anon, app_reader;
