create function public.f(a int) returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
revoke execute on function public.f from public, anon;

create function public.g() returns trigger language plpgsql security definer set search_path = ''
  as $$ begin return new; end $$;

create function app.h() returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
