alter publication supabase_realtime add table public.notes;
drop publication if exists other;
