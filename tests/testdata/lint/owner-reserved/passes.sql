alter table public.notes owner to postgres;
alter function public.f() owner to app_owner;
