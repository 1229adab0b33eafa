create policy everybody on public.notes for insert to anon with check (true);
