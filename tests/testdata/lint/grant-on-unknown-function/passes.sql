create function public.f(a int) returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
revoke execute on function public.f(integer) from public, anon;
revoke execute on function public.unknown(int) from public;
