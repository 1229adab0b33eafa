alter table public.notes alter column id type bigint;
