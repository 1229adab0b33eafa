create policy own on public.notes for select to authenticated
  using (user_id = (select auth.uid()));
create policy team on public.notes for update to authenticated
  using (exists (select from public.members m where m.user_id = (select auth.uid())));
