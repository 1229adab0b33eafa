create text search configuration public.own (copy = simple);
create text search configuration public.own (copy = simple);
