create foreign table public.orders (id bigint) server shop;
