create function public.clear(name text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute concat('drop table app.', name); end $$;
