alter table public.words alter column note type varchar(10);
