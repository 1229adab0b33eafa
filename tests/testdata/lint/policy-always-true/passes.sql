create policy everybody on public.notes for select to anon using (true);
create policy own on public.notes for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy worker on public.notes for all to service_role using (true);
