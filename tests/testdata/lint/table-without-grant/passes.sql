create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
alter table public.notes enable row level security;

create table public.jobs (id bigint primary key);
revoke all on public.jobs from anon, authenticated;

grant select on public.notes to authenticated;
