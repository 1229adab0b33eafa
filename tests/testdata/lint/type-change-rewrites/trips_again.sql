alter table public.words alter column word type varchar(30);
alter table public.words alter column word type varchar(25);
