-- Keys are kept. Nothing is encrypted: values come back as they went in.

do $$
begin
  if to_regnamespace('pgsodium') is null then
    create schema pgsodium;
  end if;
end
$$;

create type pgsodium.key_status as enum ('default', 'valid', 'invalid', 'expired');
create type pgsodium.key_type as enum (
  'aead-ietf', 'aead-det', 'hmacsha512', 'hmacsha256', 'auth', 'shorthash', 'generichash', 'kdf',
  'secretbox', 'secretstream', 'stream_xchacha20'
);

create sequence pgsodium.key_key_id_seq;
create table pgsodium.key (
  id uuid primary key default gen_random_uuid(),
  status pgsodium.key_status default 'valid',
  created timestamptz not null default current_timestamp,
  expires timestamptz,
  key_type pgsodium.key_type,
  key_id bigint default nextval('pgsodium.key_key_id_seq'),
  key_context bytea default '\x7067736f6469756d',
  name text unique,
  associated_data text default 'associated',
  raw_key bytea,
  raw_key_nonce bytea,
  parent_key uuid references pgsodium.key,
  comment text,
  user_data text
);

create view pgsodium.valid_key as
  select id, name, status, key_type, key_id, key_context, created, expires, associated_data
    from pgsodium.key
   where status in ('valid', 'default') and (expires is null or expires > now());
create view pgsodium.decrypted_key as
  select id, status, created, expires, key_type, key_id, key_context, name, associated_data,
         raw_key, raw_key as decrypted_raw_key, raw_key_nonce, parent_key, comment
    from pgsodium.key;

create function pgsodium.create_key(
  key_type pgsodium.key_type default 'aead-det',
  name text default null,
  raw_key bytea default null,
  raw_key_nonce bytea default null,
  parent_key uuid default null,
  key_context bytea default '\x7067736f6469756d',
  expires timestamptz default null,
  associated_data text default ''
) returns pgsodium.valid_key
language sql security definer
set search_path = ''
as $$
  insert into pgsodium.key (
    key_type, name, raw_key, raw_key_nonce, parent_key, key_context, expires, associated_data
  )
  values (
    key_type, name, raw_key, raw_key_nonce, parent_key, key_context, expires, associated_data
  )
  returning id, name, status, key_type, key_id, key_context, created, expires, associated_data
$$;

create function pgsodium.randombytes_buf(size integer) returns bytea
language sql volatile
as $$
  select substring(
    decode(string_agg(replace(gen_random_uuid()::text, '-', ''), ''), 'hex') for size
  )
    from generate_series(0, size / 16)
$$;
create function pgsodium.crypto_aead_det_keygen() returns bytea
language sql volatile
as 'select pgsodium.randombytes_buf(64)';
create function pgsodium.crypto_aead_det_noncegen() returns bytea
language sql volatile
as 'select pgsodium.randombytes_buf(32)';

create function pgsodium.crypto_aead_det_encrypt(
  message bytea, additional bytea, key_uuid uuid, nonce bytea default null
) returns bytea
language sql immutable
as 'select message';
create function pgsodium.crypto_aead_det_decrypt(
  message bytea, additional bytea, key_uuid uuid, nonce bytea default null
) returns bytea
language sql immutable
as 'select message';
create function pgsodium.crypto_aead_det_encrypt(
  message bytea,
  additional bytea,
  key_id bigint,
  context bytea default '\x7067736f6469756d',
  nonce bytea default null
) returns bytea
language sql immutable
as 'select message';
create function pgsodium.crypto_aead_det_decrypt(
  message bytea,
  additional bytea,
  key_id bigint,
  context bytea default '\x7067736f6469756d',
  nonce bytea default null
) returns bytea
language sql immutable
as 'select message';

grant usage on schema pgsodium to postgres with grant option;
grant usage on schema pgsodium to pgsodium_keyiduser, service_role;
grant all on all tables in schema pgsodium to postgres with grant option;
grant all on all sequences in schema pgsodium to postgres;
grant all on all functions in schema pgsodium to postgres with grant option;
