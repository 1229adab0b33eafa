create table public.notes (id bigint primary key, constraint whole check (id > 0));
alter table public.notes add constraint whole check (id > 1);
