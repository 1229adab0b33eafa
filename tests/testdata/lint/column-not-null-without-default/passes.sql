alter table public.notes add column title text not null default '';
alter table public.notes add column n bigint generated always as identity not null;
