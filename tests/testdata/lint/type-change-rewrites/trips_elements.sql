alter table public.words alter column words type varchar(10)[];
