alter table public.notes add column data json;
