create table public.files (id uuid primary key references auth.users on delete cascade);
