alter table public.notes owner to supabase_admin;
