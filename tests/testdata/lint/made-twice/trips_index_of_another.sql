create table public.notes (id bigint primary key);
create table public.likes (id bigint primary key);
create index by_id on public.notes (id);
create index by_id on public.likes (id);
