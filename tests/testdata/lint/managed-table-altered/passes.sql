alter table public.objects enable row level security;
alter policy mine on storage.objects rename to own;
