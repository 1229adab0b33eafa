alter table public.notes add column made timestamptz default now();
alter table public.notes add column kind text default 'note';
