create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
drop table public.notes;
create temporary table scratch (id int);
drop table scratch;

-- ROLLBACK
drop table public.notes;
