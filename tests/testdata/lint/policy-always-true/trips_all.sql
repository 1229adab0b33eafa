create policy own on public.notes for all to authenticated
  using (user_id = (select auth.uid())) with check (true);
