-- The part of the storage schema that migrations refer to: buckets and objects, for
-- policies and seeds, and the functions that such policies call.

create schema storage;
grant usage on schema storage
  to supabase_storage_admin, postgres, anon, authenticated, service_role;

create type storage.buckettype as enum ('STANDARD', 'ANALYTICS');

create table storage.buckets (
  id text not null primary key,
  name text not null unique,
  owner uuid,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  public boolean default false,
  avif_autodetection boolean default false,
  file_size_limit bigint,
  allowed_mime_types text[],
  owner_id text,
  type storage.buckettype not null default 'STANDARD'
);

create table storage.objects (
  id uuid not null default gen_random_uuid() primary key,
  bucket_id text references storage.buckets,
  name text,
  owner uuid,
  created_at timestamptz default now(),
  updated_at timestamptz default now(),
  last_accessed_at timestamptz default now(),
  metadata jsonb,
  path_tokens text[] generated always as (string_to_array(name, '/')) stored,
  version text,
  owner_id text,
  user_metadata jsonb
);
create unique index bucketid_objname on storage.objects (bucket_id, name);
create index name_prefix_search on storage.objects (name text_pattern_ops);

alter table storage.buckets enable row level security;
alter table storage.objects enable row level security;

create function storage.foldername(name text) returns text[]
language sql immutable
as $$
  select parts[1 : cardinality(parts) - 1] from string_to_array(name, '/') as parts
$$;

create function storage.filename(name text) returns text
language sql immutable
as $$
  select split_part(name, '/', -1)
$$;

-- What follows the last dot of the file's name.
create function storage.extension(name text) returns text
language sql immutable
as $$
  select split_part(storage.filename(name), '.', -1)
$$;

alter type storage.buckettype owner to supabase_storage_admin;
alter table storage.buckets owner to supabase_storage_admin;
alter table storage.objects owner to supabase_storage_admin;
alter function storage.foldername(text) owner to supabase_storage_admin;
alter function storage.filename(text) owner to supabase_storage_admin;
alter function storage.extension(text) owner to supabase_storage_admin;

grant all on all tables in schema storage to postgres, anon, authenticated, service_role;

-- On the hosted platform an extension of the server lets postgres write policies on these
-- tables though it does not own them. Without it, postgres has to be one of the owner. As the
-- owner may create nothing in the schema, neither may postgres: there as on the platform.
grant supabase_storage_admin to postgres;
