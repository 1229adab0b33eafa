insert into storage.buckets (id, name) values ('avatars', 'avatars');
select id from auth.users;
