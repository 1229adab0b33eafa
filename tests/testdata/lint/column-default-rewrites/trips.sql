alter table public.notes add column token uuid default gen_random_uuid();
