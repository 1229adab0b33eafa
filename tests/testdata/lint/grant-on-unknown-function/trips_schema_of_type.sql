create function public.f(a app.mood) returns void language sql security definer set search_path = ''
  as $$ select 1 $$;
revoke execute on function public.f(public.mood) from public, anon;
