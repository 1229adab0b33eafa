alter table public.notes add constraint one unique (body);
