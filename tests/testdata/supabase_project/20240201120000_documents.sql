create table public.documents (
  id bigserial primary key,
  org_id uuid not null references public.organizations,
  content text
);
alter table public.documents enable row level security;

