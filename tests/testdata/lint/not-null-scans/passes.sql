create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
alter table public.notes alter column body set not null;
