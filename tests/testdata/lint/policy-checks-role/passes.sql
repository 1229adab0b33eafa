create policy members on public.notes for select to authenticated using (true);
