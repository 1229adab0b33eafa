alter table public.notes add column slug text unique;
