create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
create index one on public.notes (body);
create index two on public.notes using btree (body);
