create table public.notes (id int generated always as identity primary key);
