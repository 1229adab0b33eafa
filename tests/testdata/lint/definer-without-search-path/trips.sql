create function public.f() returns void language sql security definer as $$ select 1 $$;
