insert into public.notes (id, body) values (1, 'a');
insert into public.notes default values;
