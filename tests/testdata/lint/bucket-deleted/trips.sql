delete from storage.buckets where id = 'avatars';
