create function public.clear(name text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute 'delete from app.notes where name = ' || quote_literal(name); end $$;

create function public.clear_by_value(name text) returns void language plpgsql security definer set search_path = ''
  as $$ begin execute 'delete from app.notes where name = $1' using name; end $$;
create function public.clear_by_name(name text) returns void language plpgsql security definer set search_path = ''
  as $$ declare query text; begin query := format('drop table app.%I', name || '_old'); execute query; end $$;
-- It has no rights but those of who calls it.
create function public.show(name text) returns void language plpgsql set search_path = ''
  as $$ begin execute 'select ' || name; end $$;
