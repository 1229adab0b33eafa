alter table public.notes rename column body to content;
