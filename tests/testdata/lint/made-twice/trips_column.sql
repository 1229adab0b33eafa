create table public.notes (id bigint primary key);
alter table public.notes add column body text;
alter table public.notes add column body text;
