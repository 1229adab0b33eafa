alter table public.notes add column owner int default 1 references public.people (id);
