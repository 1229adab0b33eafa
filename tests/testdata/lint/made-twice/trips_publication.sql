create publication p for table public.notes;
create publication p for table public.notes;
