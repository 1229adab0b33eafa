alter table public.notes add foreign key (user_id) references public.people (id) not valid;
create table public.likes (id bigint primary key, note_id bigint);
alter table public.likes add foreign key (note_id) references public.notes (id);

-- A new column without a default holds nothing to look up.
alter table public.notes add column author_id uuid references public.people (id);
