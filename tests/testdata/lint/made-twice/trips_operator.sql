create operator public.=== (leftarg = int, rightarg = int, function = int4eq);
create operator public.=== (leftarg = int, rightarg = int, function = int4eq);
