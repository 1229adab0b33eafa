create function public.clear(name text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute 'delete from app.notes where name = ''' || name || ''''; end $$;
