create table public.notes (
  id uuid primary key default gen_random_uuid(),
  content text not null
);
alter table public.notes enable row level security;

-- ROLLBACK
drop table public.notes;
