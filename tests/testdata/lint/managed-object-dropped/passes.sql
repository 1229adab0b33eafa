drop policy if exists mine on storage.objects;
drop trigger if exists t on auth.users;
drop table if exists public.sessions;
