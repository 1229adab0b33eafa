alter table public.words alter column word type varchar(10);
