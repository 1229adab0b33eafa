create table public.prices (id bigint primary key, price numeric, code varchar(3));
