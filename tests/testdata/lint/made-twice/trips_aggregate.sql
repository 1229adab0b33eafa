create aggregate public.add_up(int) (sfunc = int4pl, stype = int);
create aggregate public.add_up(int) (sfunc = int4pl, stype = int);
