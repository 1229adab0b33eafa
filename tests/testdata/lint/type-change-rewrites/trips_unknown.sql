alter table public.words alter column since type text;
