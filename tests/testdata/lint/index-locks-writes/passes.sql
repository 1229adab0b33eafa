create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
create index notes_body on public.notes (body);
create index concurrently others_body on public.others (body);
