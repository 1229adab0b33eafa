drop function public.f() cascade;
