create policy own on public.notes for insert to authenticated using (true);
