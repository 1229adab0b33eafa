create policy own on public.notes for select to authenticated
  using (user_id = (select auth.uid()));
create policy everybody on public.notes for select to public using (true);
