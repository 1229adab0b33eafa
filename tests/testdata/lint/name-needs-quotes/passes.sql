create table public.notes (id bigint primary key, USER_ID uuid, größe int);
