create function public.run(name text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute format('refresh materialized view app.%I', name); end $$;
