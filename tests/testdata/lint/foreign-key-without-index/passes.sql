create table public.likes (
  id bigint primary key,
  note_id bigint references public.notes (id)
);
create index on public.likes (note_id, id);

create table public.tags (
  note_id bigint references public.notes (id),
  tag text,
  primary key (note_id, tag)
);

create table public.hearts (
  id bigint primary key,
  note_id bigint references public.notes (id)
);
-- What is NULL refers to nothing.
create index on public.hearts (note_id) where note_id is not null;
