create collation public.plain (locale = 'C');
create collation public.plain (locale = 'C');
