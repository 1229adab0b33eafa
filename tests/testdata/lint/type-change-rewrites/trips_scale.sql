alter table public.words alter column price type numeric(10, 3);
