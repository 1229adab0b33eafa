truncate public.notes;
