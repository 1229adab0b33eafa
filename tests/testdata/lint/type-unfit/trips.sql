create table public.prices (id bigint primary key, price money);
