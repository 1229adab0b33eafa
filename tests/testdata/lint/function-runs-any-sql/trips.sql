create function public.run(query text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute query; end $$;
