create policy everybody on public.notes for select to anon using (true);
