create type public.span as range (subtype = int4);
create type public.span as range (subtype = int4);
