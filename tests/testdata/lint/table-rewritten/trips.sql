alter table public.notes set unlogged;
