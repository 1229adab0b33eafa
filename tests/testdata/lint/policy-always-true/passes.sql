create policy everybody on public.notes for select to anon using (true);
create policy own on public.notes for insert to authenticated
  with check (user_id = (select auth.uid()));
create policy worker on public.notes for all to service_role using (true);

create policy strict on public.notes as restrictive for all to authenticated with check (true);
create table public.notes (id bigint primary key, user_id uuid);
create policy mine on public.notes for update to authenticated
  using (user_id = (select auth.uid())) with check (true);
create policy seen on public.notes for select to authenticated using (false);
alter policy seen on public.notes using (true);
alter policy mine on public.notes to app_worker using (true);
alter policy unknown on public.notes with check (true);
