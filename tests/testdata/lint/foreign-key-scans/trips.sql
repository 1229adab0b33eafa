alter table public.notes add foreign key (user_id) references public.people (id);
