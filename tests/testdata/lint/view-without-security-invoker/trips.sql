create view public.titles as select id, title from public.notes;
