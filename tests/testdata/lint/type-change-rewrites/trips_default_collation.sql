alter table public.words alter column name type text;
