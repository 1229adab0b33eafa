create view public.titles with (security_invoker = on) as select id, title from public.notes;
create view public.later as select id from public.notes;
alter view public.later set (security_invoker = true);
create view app.titles as select id, title from public.notes;
