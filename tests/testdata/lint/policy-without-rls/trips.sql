create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
create policy own on public.notes for select to authenticated using (user_id = (select auth.uid()));
