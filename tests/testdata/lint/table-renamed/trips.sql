alter table public.notes rename to memos;
