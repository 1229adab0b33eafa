create table public.profiles (
  person uuid primary key references auth.users (id) on delete cascade,
  name text
);
insert into public.profiles (name, person) values ('Ada', '5b0c1f4e-7f0a-4c9a-9d52-6a3f3a3a0c11');
