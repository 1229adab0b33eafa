create function public.clear(name text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute format('drop table %I.%s', 'app', name); end $$;
