create table public.profiles (name text, person uuid);
alter table public.profiles add foreign key (person) references auth.users on delete cascade;
insert into public.profiles values ('Ada', '5b0c1f4e-7f0a-4c9a-9d52-6a3f3a3a0c11'::uuid);
