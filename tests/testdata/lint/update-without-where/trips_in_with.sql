with changed as (update public.notes set body = '' returning id) select count(*) from changed;
