create type public.place as (x int, y int);
create type public.place as (x int, y int);
