delete from public.notes where body is null;
