with made as (insert into public.notes values (1) returning id) select id from made;
