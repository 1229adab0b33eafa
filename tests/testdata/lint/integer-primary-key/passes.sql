create table public.notes (id bigint generated always as identity primary key);
create table public.years (year int primary key);
