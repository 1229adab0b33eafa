create function public.f(a int) returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
revoke execute on function public.f(bigint) from public, anon;
