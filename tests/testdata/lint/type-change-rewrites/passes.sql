create table public.words (id bigint primary key, word varchar(20));
alter table public.words alter column word type text;
