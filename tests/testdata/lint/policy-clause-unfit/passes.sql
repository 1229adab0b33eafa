create policy own on public.notes for insert to authenticated with check (user_id is not null);
create policy change on public.notes for update to authenticated
  using (user_id is not null) with check (user_id is not null);
