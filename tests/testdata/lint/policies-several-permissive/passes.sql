create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
create policy own on public.notes for select to authenticated using (user_id is not null);
create policy writes on public.notes for insert to authenticated with check (user_id is not null);
create policy narrow on public.notes as restrictive for select to authenticated using (body is null);
