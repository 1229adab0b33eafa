create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
alter table public.notes enable row level security;
create table app.notes (id bigint primary key);
create temporary table scratch (id bigint);
