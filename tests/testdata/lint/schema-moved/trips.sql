alter table public.notes set schema app;
