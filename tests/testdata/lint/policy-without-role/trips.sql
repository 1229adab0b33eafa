create policy own on public.notes for select using (user_id = (select auth.uid()));
