create table public.files (id uuid primary key references storage.objects (id) on delete cascade);
