create table public.profiles (id uuid primary key references auth.users (id) on delete cascade);
create table public.bills (id uuid primary key references auth.users (id) on delete restrict);
