create table public.likes (
  id bigint primary key,
  note_id bigint references public.notes (id)
);
