create table public.notes (id bigint primary key, user_id uuid);
create policy own on public.notes for all to authenticated
  using (user_id = (select auth.uid()));
alter policy own on public.notes with check (true);
