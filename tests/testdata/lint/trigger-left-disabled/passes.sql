alter table public.notes disable trigger stamp;
update public.notes set body = '' where body is null;
alter table public.notes enable trigger stamp;
