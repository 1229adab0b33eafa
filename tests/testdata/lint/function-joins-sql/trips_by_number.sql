create function public.clear(text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute 'drop table app.' || $1; end $$;
