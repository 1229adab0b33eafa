create view public.all_notes with (security_invoker = on) as select id, count(*) from public.notes group by id;
