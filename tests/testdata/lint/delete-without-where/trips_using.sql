delete from public.notes using public.people;
