create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
create table if not exists public.notes (id bigint primary key);
drop table public.notes;
create table public.notes (id bigint primary key);
create or replace function app.f() returns int language sql set search_path = '' as $$ select 1 $$;
create or replace function app.f() returns int language sql set search_path = '' as $$ select 2 $$;
create type app.mood as enum ('calm');
alter type app.mood rename to old_mood;
create type app.mood as enum ('wild');
