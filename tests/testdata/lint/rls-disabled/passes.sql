alter table app.notes disable row level security;
alter table public.notes enable row level security;
