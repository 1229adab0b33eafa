create table public.likes (
  id bigint primary key,
  note_id bigint references public.notes (id)
);
create index on public.likes using brin (note_id);
