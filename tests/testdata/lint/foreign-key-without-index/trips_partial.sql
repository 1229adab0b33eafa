create table public.likes (
  id bigint primary key,
  note_id bigint references public.notes (id),
  hidden boolean
);
create index on public.likes (note_id) where not hidden;
