alter table storage.objects enable row level security;
