create function public.f() returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
create function public.g() returns void language sql security definer as $$ select 1 $$;
alter function public.g() set search_path = '';
