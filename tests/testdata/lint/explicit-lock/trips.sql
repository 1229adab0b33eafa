lock table public.notes;
