create function public.run(out done boolean, query text) language plpgsql security definer set search_path = ''
  as $$ begin execute $1; end $$;
