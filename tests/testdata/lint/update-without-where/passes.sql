update public.notes set body = '' where body is null;
update public.notes n set body = o.body from public.old o where o.id = n.id;
