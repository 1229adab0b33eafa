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

create schema app;
create schema if not exists app;
drop schema app;
create schema app;
create sequence app.numbers;
drop sequence app.numbers;
create sequence app.numbers;
create type app.place as (x int);
drop schema app cascade;
create schema app;
create sequence app.numbers;
create type app.place as (x int);
create trigger t before insert on public.notes for each row execute function app.f();
drop table public.notes;
create table public.notes (id bigint primary key, constraint whole check (id > 0));
create trigger t before insert on public.notes for each row execute function app.f();
create or replace trigger t before insert on public.notes for each row execute function app.f();
create trigger t before insert on public.likes for each row execute function app.f();
alter trigger t on public.notes rename to u;
create trigger t before insert on public.notes for each row execute function app.f();
alter table public.notes drop constraint whole;
alter table public.notes add constraint whole check (id > 1);
alter table public.notes rename constraint whole to half;
alter table public.notes add constraint whole check (id > 1);
alter table public.notes add column body text;
alter table public.notes add column if not exists body text;
alter table public.notes drop column body;
alter table public.notes add column body text;
alter sequence app.numbers rename to digits;
create sequence app.numbers;
alter sequence app.numbers set schema public;
create sequence app.numbers;
create type app.temper as enum ('calm');
alter type app.temper add value 'wild';
alter type app.temper add value if not exists 'wild';
alter type app.temper rename value 'wild' to 'mad';
alter type app.temper add value 'wild';
create aggregate app.add_up(int) (sfunc = int4pl, stype = int);
create aggregate app.add_up(bigint) (sfunc = int8pl, stype = bigint);
create extension pg_trgm with schema extensions;
drop extension pg_trgm;
create extension pg_trgm with schema extensions;
do $$ begin
  if not exists (select from pg_roles where rolname = 'worker') then create role worker; end if;
end $$;
create table app.prices (id bigint primary key, amount int, constraint above check (amount > 0));
alter table app.prices drop constraint above, add constraint above check (amount > 1);
alter table app.prices drop column amount, add column amount bigint constraint above check (amount > 2);
alter table app.prices drop constraint if exists above;
alter table app.prices add constraint above check (amount > 3);
drop trigger if exists t on app.prices;
create trigger t before insert on app.prices for each row execute function app.f();
alter table app.prices add column if not exists cost int constraint fair check (cost > 0);
alter table app.prices add column if not exists cost int constraint fair check (cost > 0);
