create function public.welcome() returns trigger language plpgsql set search_path = ''
  as $$ begin return new; end $$;
create trigger welcome after insert on auth.users for each row execute function public.welcome();
