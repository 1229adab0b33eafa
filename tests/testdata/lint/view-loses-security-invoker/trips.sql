create view public.titles with (security_invoker = on) as select id, title from public.notes;
create or replace view public.titles as select id, title, body from public.notes;
