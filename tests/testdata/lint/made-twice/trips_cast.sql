create cast (public.place as text) with inout;
create cast (public.place as text) with inout;
