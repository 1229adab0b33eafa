insert into app.log (id)
  with changed as (update public.notes set body = '' returning id) select id from changed;
