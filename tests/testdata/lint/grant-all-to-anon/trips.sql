grant all on public.notes to anon, authenticated;
