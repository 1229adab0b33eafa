create function public.f(a int) returns int language sql set search_path = '' as $$ select a $$;
create or replace function public.f(a int, b int) returns int language sql set search_path = '' as $$ select a $$;
