lock table public.notes in share row exclusive mode;
