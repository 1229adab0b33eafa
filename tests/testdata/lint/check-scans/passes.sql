alter table public.notes add constraint short check (length(body) < 100) not valid;
