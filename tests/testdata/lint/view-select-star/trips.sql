create view public.all_notes with (security_invoker = on) as select * from public.notes;
