create table public.notes (
  id bigint generated always as identity primary key,
  user_id uuid,
  body text
);
create table public.words (word text, primary key (word));
create table public.copy (like public.notes including all);
