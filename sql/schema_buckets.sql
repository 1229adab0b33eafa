-- The buckets of Storage, as sql/schema_extras.sql has the rest: they are rows, and a project does not
-- work without them.
select 'bucket' as kind, 'storage' as schema, quote_ident(id) as name,
       concat_ws(' ', name, public, file_size_limit, allowed_mime_types) as definition,
       format('insert into storage.buckets (id, name, public, file_size_limit, allowed_mime_types) '
              'values (%L, %L, %L, %L, %L) on conflict (id) do update set name = excluded.name, '
              'public = excluded.public, file_size_limit = excluded.file_size_limit, '
              'allowed_mime_types = excluded.allowed_mime_types;',
              id, name, public, file_size_limit, allowed_mime_types) as create,
       -- Storage refuses it otherwise: what lies in a bucket would be left behind.
       format(E'set local storage.allow_delete_query = true;\ndelete from storage.buckets where id = %L;',
              id) as drop
  from storage.buckets
