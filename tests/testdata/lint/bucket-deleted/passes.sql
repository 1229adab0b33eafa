insert into storage.buckets (id, name) values ('avatars', 'avatars');
delete from public.buckets where id = 'avatars';
