create function public.clear(query text) returns void language plpgsql security definer set search_path = ''
  as $$ declare text_of_it text := query; begin execute text_of_it; end $$;
