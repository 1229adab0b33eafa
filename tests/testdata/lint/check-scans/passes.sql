alter table public.notes add constraint short check (length(body) < 100) not valid;

alter table public.notes add column price int default 0;
alter table public.notes add column cost int check (cost > 0) not enforced;
alter table public.notes add check (cost > 1) not enforced;
