create policy own on public.notes for select to authenticated using (user_id = auth.uid());
