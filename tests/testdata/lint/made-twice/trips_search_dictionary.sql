create text search dictionary public.own (template = simple);
create text search dictionary public.own (template = simple);
