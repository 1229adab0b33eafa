create table public.notes (body text);
