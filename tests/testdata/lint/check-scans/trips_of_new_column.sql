alter table public.notes add column price int check (price > 0);
