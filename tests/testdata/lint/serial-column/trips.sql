create table public.notes (id bigserial primary key);
