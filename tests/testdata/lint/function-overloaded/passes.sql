create function public.f(a int) returns int language sql set search_path = '' as $$ select a $$;
drop function public.f(int);
create function public.f(a int, b int) returns int language sql set search_path = '' as $$ select a $$;
