create index notes_body on public.notes (body);
