create function public.clear(name text) returns void language plpgsql security definer set search_path = ''
  as $$ declare query text; begin query := 'drop table app.' || name; execute query; end $$;
